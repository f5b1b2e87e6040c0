"""`/metrics`: the metrics of this process, of the engine and of the log's consumers.

The metrics of the engine and of the consumers are read from MongoDB at each request, so that
workers need no port of their own.
"""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from app.domain.api_keys import Role
from app.domain.codes import CodePool
from app.domain.consumers import ConsumerStatus
from app.domain.engine_status import DeliveryStatusSummary, EngineStatus, Worker, to_seconds
from app.domain.exports import ExportSummary
from app.errors import Unauthenticated
from app.services import Services
from app.store import Unreachable

_STATUS_TIMEOUT_SECONDS = 2


async def metrics(request: Request) -> Response:
    """Responds in the Prometheus text format. The caller needs the role READ."""
    authenticator = request.app.state.services.authenticator
    try:
        caller = await authenticator.authenticate(request.headers.get("authorization"))
    except Unauthenticated as error:
        return PlainTextResponse(f"{error}\n", 401, {"WWW-Authenticate": "Bearer"})
    except Unreachable:
        return PlainTextResponse("MongoDB can't be reached, to check the key.\n", 503)
    if not caller.role.includes(Role.READ):
        return PlainTextResponse("The metrics need a key with the role read.\n", 403)
    engine_registry = CollectorRegistry()
    engine_registry.register(_EngineCollector(await _read_status(request.app.state.services)))
    text = generate_latest() + generate_latest(engine_registry)
    return Response(text, media_type=CONTENT_TYPE_LATEST)


async def _read_status(services: Services) -> EngineStatus | None:
    """Returns None if MongoDB does not answer within 2 s: the other metrics do not depend on it."""
    try:
        async with asyncio.timeout(_STATUS_TIMEOUT_SECONDS):
            return await services.engine_status.read()
    except Exception:  # noqa: BLE001 - segments_engine_up reports any failure as 0
        return None


class _EngineCollector(Collector):
    """The metrics of one status snapshot. Unknown values have no sample; None leaves only `up`."""

    def __init__(self, status: EngineStatus | None) -> None:
        self._status = status

    def collect(self) -> Iterator[Metric]:
        yield _make_gauge(
            "up", "1 if the engine's status could be read from MongoDB.", bool(self._status)
        )
        if self._status is None:
            return
        for name, description, value in _read_gauges(self._status):
            if value is not None:
                yield _make_gauge(name, description, value)
        yield CounterMetricFamily(
            "segments_engine_transitions",
            "Sequence of the last transition in the log.",
            value=self._status.last_sequence,
        )
        yield from _collect_worker_metrics(self._status.workers)
        yield from _collect_consumer_metrics(self._status.consumers)
        yield _collect_export_metrics(self._status.exports)
        yield from _collect_delivery_metrics(self._status.deliveries)
        yield _collect_code_pool_metrics(self._status.code_pools)


def _make_gauge(name: str, description: str, value: float) -> Metric:
    return GaugeMetricFamily(f"segments_engine_{name}", description, value=value)


def _read_gauges(status: EngineStatus) -> Iterator[tuple[str, str, float | None]]:
    changes, windows = status.changes_behind, status.retention_windows
    last_error_at = status.last_error.occurred_at if status.last_error else None
    yield (
        "position_timestamp_seconds",
        "Time of the slowest partition's position in the change stream.",
        _to_unix_seconds(status.reached_at),
    )
    yield "lag_seconds", "Age of the slowest partition's position.", to_seconds(status.lag)
    yield (
        "lag_changes",
        "Unprocessed changes; a lower bound unless lag_changes_is_exact is 1.",
        changes and changes.number,
    )
    yield (
        "lag_changes_is_exact",
        "1 if lag_changes is exact, 0 if it is a lower bound.",
        changes and changes.is_exact,
    )
    yield (
        "changes_per_second",
        "Changes processed per second, over about the last 10 s.",
        status.changes_per_second,
    )
    yield (
        "transitions_per_second",
        "Transitions written per second, over about the last 10 s.",
        status.transitions_per_second,
    )
    yield "active_segments", "Active segments.", status.active_segment_count
    yield (
        "due_timers",
        "Timers that are due and not processed, counted up to 10,000.",
        status.due_timers.number,
    )
    yield (
        "next_timer_timestamp_seconds",
        "Time at which the next timer is due.",
        _to_unix_seconds(status.next_timer_at),
    )
    yield (
        "backfill_progress_ratio",
        "Share of customers that the current backfill has re-evaluated.",
        status.backfilled_ratio,
    )
    yield "partitions", "Partitions of the customers.", len(status.partitions)
    yield (
        "partitions_without_worker",
        "Partitions without a worker.",
        status.unassigned_partition_count,
    )
    blocked_partitions = len(status.poison_changes)
    yield (
        "partitions_blocked",
        "Partitions blocked by a poison change.",
        blocked_partitions,
    )
    yield "workers", "Live workers.", len(status.workers)
    yield "oplog_window_seconds", "Time span of the oplog.", to_seconds(windows.oplog_window)
    yield (
        "image_retention_seconds",
        "Retention of change stream pre- and post-images.",
        to_seconds(windows.image_retention),
    )
    yield (
        "history_window_seconds",
        "Largest lag from which the engine can resume.",
        to_seconds(windows.resume_window),
    )
    yield (
        "last_error_timestamp_seconds",
        "Time of the last error in any worker.",
        _to_unix_seconds(last_error_at),
    )


def _collect_worker_metrics(workers: Sequence[Worker]) -> Iterator[Metric]:
    labels = ("worker", "host", "pid")
    counters = [
        CounterMetricFamily(f"segments_engine_worker_{name}", description, labels=labels)
        for name, description in (
            ("changes", "Changes processed by the worker."),
            ("transitions", "Transitions written by the worker."),
            ("errors", "Errors in the worker."),
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
            "Transitions after the consumer's checkpoint.",
            _read_lag_transitions,
        ),
        ("lag_seconds", "Age of the oldest transition after the checkpoint.", _read_lag_seconds),
        (
            "quarantined_transitions",
            "Transitions in quarantine.",
            _read_quarantined_transitions,
        ),
        ("failing", "1 if an error blocks the consumer.", _is_failing),
    ):
        gauge = GaugeMetricFamily(f"segments_consumer_{name}", description, labels=("consumer",))
        for consumer in consumers:
            gauge.add_metric((consumer.name,), read_value(consumer))
        yield gauge


def _collect_export_metrics(summary: ExportSummary) -> Metric:
    gauge = GaugeMetricFamily(
        "segments_exports",
        "Exports by status; failed ones for 30 days after they failed.",
        labels=("status",),
    )
    gauge.add_metric(("scheduled",), summary.scheduled)
    gauge.add_metric(("in_progress",), summary.in_progress)
    gauge.add_metric(("failed",), summary.failed)
    return gauge


def _collect_delivery_metrics(deliveries: DeliveryStatusSummary) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "segments_deliveries_due",
        "Deliveries that are due, counted up to 10,000.",
        value=deliveries.due.number,
    )
    yield GaugeMetricFamily(
        "segments_deliveries_oldest_due_seconds",
        "For how long the oldest due delivery has been due.",
        value=deliveries.oldest_due.total_seconds(),
    )
    yield GaugeMetricFamily(
        "segments_distributions_paused", "Paused distributions.", value=deliveries.paused_count
    )
    yield GaugeMetricFamily(
        "segments_deliveries_waiting_for_code",
        "Deliveries that lack a code, counted up to 10,000.",
        value=deliveries.waiting_for_code.number,
    )
    retrying = GaugeMetricFamily(
        "segments_deliveries_retrying",
        "Deliveries whose last attempt failed, of the hosts with the most.",
        labels=("host",),
    )
    for host, count in deliveries.failing_hosts.items():
        retrying.add_metric((host,), count)
    yield retrying


def _collect_code_pool_metrics(pools: Sequence[CodePool]) -> Metric:
    gauge = GaugeMetricFamily(
        "segments_code_pool_available_codes",
        "Codes left, of the code pools in use with the fewest.",
        labels=("pool", "name"),
    )
    for pool in pools:
        gauge.add_metric((pool.id, pool.name), pool.available_count)
    return gauge


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
