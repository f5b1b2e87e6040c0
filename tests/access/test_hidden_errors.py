"""Only administrators see the texts of errors in the status of the engine."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.domain.api_keys import Role
from app.domain.consumers import (
    Checkpoint,
    Consumer,
    ConsumerStatus,
    Failure,
    QuarantinedTransition,
)
from app.domain.engine_status import (
    EngineError,
    FailingDistribution,
    PartitionStatus,
    Worker,
    WorkerReport,
)
from app.domain.hidden_errors import HIDDEN_ERROR, hide_errors
from app.domain.progress import PartitionProgress, PoisonChange
from app.domain.transitions import (
    PendingTransition,
    Transition,
    TransitionCause,
    TransitionType,
)
from app.services.health import check_status
from tests.access.conftest import KeyedApi

pytestmark = pytest.mark.asyncio(loop_scope="module")

TRANSITION = Transition(
    "tra_1",
    1,
    PendingTransition(
        TransitionType.ENTERED,
        TransitionCause.LIVE,
        "seg_1",
        "VIPs",
        "cus_1",
        "ann",
        datetime(2026, 3, 29, tzinfo=UTC),
    ),
)
ERROR = "mongo-1.internal:27017: connection refused"
QUERY = "{ engineStatus { lastError { message host } findings { state } } }"


async def test_the_last_error(
    keyed_api: KeyedApi, headers_by_role: dict[Role, dict[str, str]]
) -> None:
    report = WorkerReport(5, 0, 0, 0, 0, errors=1, last_error=ERROR, last_error_age_seconds=2)
    await keyed_api.api.services.store.workers.save_last_error(report)

    for role in (Role.ADMIN, Role.WRITE, Role.READ):
        response = await keyed_api.execute(QUERY, headers_by_role[role])
        message = response["data"]["engineStatus"]["lastError"]["message"]
        assert message == (ERROR if role is Role.ADMIN else HIDDEN_ERROR)


async def test_every_error_is_hidden(keyed_api: KeyedApi) -> None:
    now = datetime.now(UTC)
    failure, error = Failure(ERROR, now), EngineError(ERROR, now, "host", 1)
    poison_change = PoisonChange(0, "cus_1", ERROR, now, 1)
    consumer = ConsumerStatus(
        Checkpoint(Consumer.LOYALTY, 1, failure),
        transitions_behind=1,
        lag=timedelta(0),
        quarantined_count=1,
        oldest_quarantined=[QuarantinedTransition(Consumer.LOYALTY, TRANSITION, ERROR, now, 1)],
    )
    status = replace(
        await keyed_api.api.services.engine_status.read(),
        partitions=[PartitionStatus(0, PartitionProgress("0" * 16, now, 0), "", poison_change)],
        workers=[Worker("w", "host", 1, now, 0, 0, 0, 0, 1, error)],
        consumers=[consumer],
        failing_distributions=[FailingDistribution("dis_1", "Hello", "member backfill", failure)],
        last_error=error,
    )

    hidden = hide_errors(status)

    assert ERROR in repr(status)
    assert ERROR not in repr([hidden, *check_status(hidden)])
