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
from app.domain.engine import EngineStatus, Worker, seconds
from app.services import Services

_PATIENCE_SECONDS = 2


async def metrics(request: Request) -> Response:
    engine = CollectorRegistry()
    engine.register(_Engine(await _status(request.app.state.services)))
    text = generate_latest() + generate_latest(engine)
    return Response(text, media_type=CONTENT_TYPE_LATEST)


async def _status(services: Services) -> EngineStatus | None:
    """None where MongoDB does not say it: all else is told nevertheless."""
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return await services.engine_status.now()
    except Exception:  # noqa: BLE001 - whatever it is, segments_engine_up tells that it is so
        return None


class _Engine(Collector):
    """The engine as it was seen once; what is not known is left out."""

    def __init__(self, status: EngineStatus | None) -> None:
        self._status = status

    def collect(self) -> Iterator[Metric]:
        yield _gauge("up", "1 where MongoDB told how the engine is doing.", bool(self._status))
        if self._status is None:
            return
        for name, meaning, value in _gauges(self._status):
            if value is not None:
                yield _gauge(name, meaning, value)
        yield CounterMetricFamily(
            "segments_engine_transitions",
            "Where the log of transitions ends.",
            value=self._status.sequence,
        )
        yield from _of_workers(self._status.workers)
        yield from _of_consumers(self._status.consumers)


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(f"segments_engine_{name}", meaning, value=value)


def _gauges(status: EngineStatus) -> Iterator[tuple[str, str, float | None]]:
    changes, windows = status.changes_behind, status.windows
    failed_at = status.last_error.at if status.last_error else None
    yield "reached_timestamp_seconds", "To when all changes are settled.", _time(status.reached_at)
    yield "lag_seconds", "How long ago that was.", seconds(status.lag)
    yield "lag_changes", "Changes since, as far as they are counted.", changes and changes.number
    yield "lag_changes_exact", "1 where they are all counted.", changes and changes.exact
    yield "changes_per_second", "Settled in about the last 10 s.", status.changes_per_second
    yield "transitions_per_second", "Made in about the last 10 s.", status.transitions_per_second
    yield "active_segments", "Segments that are watched.", status.active_segments
    yield "wakeups_due", "Customers to be looked at now, up to 10,000.", status.wakes_due.number
    yield "next_wakeup_timestamp_seconds", "When the next is due.", _time(status.next_wake_at)
    yield "passed_ratio", "Of all customers, by the last step.", status.passed_share
    yield "partitions", "Parts of the customers.", len(status.partitions)
    yield "partitions_unheld", "Of these with nobody at work.", status.unheld
    waiting = len(status.setbacks)
    yield "partitions_set_back", "Of these that wait for a customer who can't be settled.", waiting
    yield "workers", "Workers that are there.", len(status.workers)
    yield "oplog_window_seconds", "The oplog goes back.", seconds(windows.window)
    yield "images_kept_seconds", "Images are kept.", seconds(windows.kept)
    yield "history_seconds", "The engine may be behind at most.", seconds(windows.reach)
    yield "last_error_timestamp_seconds", "When it last went wrong.", _time(failed_at)


def _of_workers(workers: Sequence[Worker]) -> Iterator[Metric]:
    labels = ("worker", "host", "pid")
    counters = [
        CounterMetricFamily(f"segments_engine_worker_{name}", meaning, labels=labels)
        for name, meaning in (
            ("changes", "Changes that a worker has settled."),
            ("transitions", "Transitions that a worker has made."),
            ("errors", "How often something went wrong in a worker."),
        )
    ]
    for worker in workers:
        which = (worker.id, worker.host, str(worker.pid))
        done = (worker.changes, worker.transitions, worker.errors)
        for counter, value in zip(counters, done, strict=True):
            counter.add_metric(which, value, created=worker.began_at.timestamp())
    yield from counters


def _of_consumers(consumers: Sequence[ConsumerStatus]) -> Iterator[Metric]:
    for name, meaning, value in (
        ("lag_transitions", "Transitions that a consumer has yet to handle.", _behind),
        ("lag_seconds", "The age of the oldest of them.", _lag),
        ("quarantined", "Transitions that it failed to handle, and tries again.", _quarantined),
        ("failing", "1 where an error holds it up.", _failing),
    ):
        gauge = GaugeMetricFamily(f"segments_consumer_{name}", meaning, labels=("consumer",))
        for consumer in consumers:
            gauge.add_metric((consumer.name,), value(consumer))
        yield gauge


def _behind(consumer: ConsumerStatus) -> float:
    return consumer.behind


def _lag(consumer: ConsumerStatus) -> float:
    return consumer.lag.total_seconds()


def _quarantined(consumer: ConsumerStatus) -> float:
    return consumer.quarantined


def _failing(consumer: ConsumerStatus) -> float:
    return consumer.checkpoint.failure is not None


def _time(instant: datetime | None) -> float | None:
    return None if instant is None else instant.timestamp()
