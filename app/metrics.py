"""What Prometheus is told: this process, and the engine, wherever that runs."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

from app.domain.consumers import ConsumerStatus
from app.domain.engine_status import EngineStatus, Worker, to_seconds
from app.services import Services

_STATUS_TIMEOUT_SECONDS = 2


async def metrics(request: Request) -> Response:
    engine_registry = CollectorRegistry()
    engine_registry.register(_EngineCollector(await _read_status(request.app.state.services)))
    text = generate_latest() + generate_latest(engine_registry)
    return Response(text, media_type=CONTENT_TYPE_LATEST)


async def _read_status(services: Services) -> EngineStatus | None:
    """None where MongoDB does not say it: all else is told nevertheless."""
    try:
        async with asyncio.timeout(_STATUS_TIMEOUT_SECONDS):
            return await services.engine_status.read()
    except Exception:  # noqa: BLE001 - whatever it is, segments_engine_up tells that it is so
        return None


class _EngineCollector(Collector):
    """The engine as it was seen once; what is not known is left out."""

    def __init__(self, status: EngineStatus | None) -> None:
        self._status = status

    def collect(self) -> Iterator[Metric]:
        yield _make_gauge("up", "1 where MongoDB told how the engine is doing.", bool(self._status))
        if self._status is None:
            return
        for name, description, value in _read_gauges(self._status):
            if value is not None:
                yield _make_gauge(name, description, value)
        yield CounterMetricFamily(
            "segments_engine_transitions",
            "Where the log of transitions ends.",
            value=self._status.last_sequence,
        )
        yield from _collect_worker_metrics(self._status.workers)
        yield from _collect_consumer_metrics(self._status.consumers)


def _make_gauge(name: str, description: str, value: float) -> Metric:
    return GaugeMetricFamily(f"segments_engine_{name}", description, value=value)


def _read_gauges(status: EngineStatus) -> Iterator[tuple[str, str, float | None]]:
    changes, windows = status.changes_behind, status.retention_windows
    last_error_at = status.last_error.occurred_at if status.last_error else None
    yield (
        "reached_timestamp_seconds",
        "To when all changes are settled.",
        _to_unix_seconds(status.reached_at),
    )
    yield "lag_seconds", "How long ago that was.", to_seconds(status.lag)
    yield "lag_changes", "Changes since, as far as they are counted.", changes and changes.number
    yield "lag_changes_exact", "1 where they are all counted.", changes and changes.is_exact
    yield "changes_per_second", "Settled in about the last 10 s.", status.changes_per_second
    yield "transitions_per_second", "Made in about the last 10 s.", status.transitions_per_second
    yield "active_segments", "Segments that are watched.", status.active_segment_count
    yield "wakeups_due", "Customers to be looked at now, up to 10,000.", status.due_timers.number
    yield (
        "next_wakeup_timestamp_seconds",
        "When the next is due.",
        _to_unix_seconds(status.next_timer_at),
    )
    yield "passed_ratio", "Of all customers, by the last step.", status.backfilled_ratio
    yield "partitions", "Parts of the customers.", len(status.partitions)
    yield "partitions_unheld", "Of these with nobody at work.", status.unassigned_partition_count
    blocked_partitions = len(status.poison_changes)
    yield (
        "partitions_set_back",
        "Of these that wait for a customer who can't be settled.",
        blocked_partitions,
    )
    yield "workers", "Workers that are there.", len(status.workers)
    yield "oplog_window_seconds", "The oplog goes back.", to_seconds(windows.oplog_window)
    yield "images_kept_seconds", "Images are kept.", to_seconds(windows.image_retention)
    yield "history_seconds", "The engine may be behind at most.", to_seconds(windows.resume_window)
    yield (
        "last_error_timestamp_seconds",
        "When it last went wrong.",
        _to_unix_seconds(last_error_at),
    )


def _collect_worker_metrics(workers: Sequence[Worker]) -> Iterator[Metric]:
    labels = ("worker", "host", "pid")
    counters = [
        CounterMetricFamily(f"segments_engine_worker_{name}", description, labels=labels)
        for name, description in (
            ("changes", "Changes that a worker has settled."),
            ("transitions", "Transitions that a worker has made."),
            ("errors", "How often something went wrong in a worker."),
        )
    ]
    for worker in workers:
        label_values = (worker.id, worker.host, str(worker.pid))
        values = (worker.changes, worker.transitions, worker.errors)
        for counter, value in zip(counters, values, strict=True):
            counter.add_metric(label_values, value, created=worker.started_at.timestamp())
    yield from counters


def _collect_consumer_metrics(consumers: Sequence[ConsumerStatus]) -> Iterator[Metric]:
    for name, description, read_value in (
        (
            "lag_transitions",
            "Transitions that a consumer has yet to handle.",
            _read_lag_transitions,
        ),
        ("lag_seconds", "The age of the oldest of them.", _read_lag_seconds),
        (
            "quarantined",
            "Transitions that it failed to handle, and tries again.",
            _read_quarantined_transitions,
        ),
        ("failing", "1 where an error holds it up.", _is_failing),
    ):
        gauge = GaugeMetricFamily(f"segments_consumer_{name}", description, labels=("consumer",))
        for consumer in consumers:
            gauge.add_metric((consumer.name,), read_value(consumer))
        yield gauge


def _read_lag_transitions(consumer: ConsumerStatus) -> float:
    return consumer.transitions_behind


def _read_lag_seconds(consumer: ConsumerStatus) -> float:
    return consumer.lag.total_seconds()


def _read_quarantined_transitions(consumer: ConsumerStatus) -> float:
    return consumer.quarantined_count


def _is_failing(consumer: ConsumerStatus) -> float:
    return consumer.checkpoint.failure is not None


def _to_unix_seconds(instant: datetime | None) -> float | None:
    return None if instant is None else instant.timestamp()
