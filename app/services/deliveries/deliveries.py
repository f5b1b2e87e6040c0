"""Deliveries: read, retried, and sent as a test."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from app.domain.deliveries import (
    FAILED_CONTENT_RETENTION,
    Delivery,
    DeliveryStatus,
    NewDelivery,
    Outcome,
    Skipped,
)
from app.domain.distributions import Distribution
from app.domain.ids import EntityKind
from app.domain.inputs import CustomerRef
from app.errors import UserErrorCode, input_error
from app.services.definitions_reader import DefinitionsReader
from app.services.deliveries.channels import Channels
from app.services.deliveries.content import ContentMaker
from app.services.deliveries.payload import DeliveryDraft, build_payload
from app.store import Store
from app.store.ids import new_id

_RETRYABLE_STATUSES = (DeliveryStatus.FAILED, DeliveryStatus.RETRYING)


class Deliveries:
    """The operations on deliveries."""

    def __init__(
        self,
        store: Store,
        definitions: DefinitionsReader,
        content_maker: ContentMaker,
        open_channels: Callable[[int], Channels],
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._definitions = definitions
        self._content_maker = content_maker
        self._open_channels = open_channels
        self._clock = clock

    async def get(self, id_: str) -> Delivery | None:
        return await self._store.deliveries.get(id_)

    async def pages(
        self,
        distribution_ids: Iterable[str],
        statuses: Iterable[DeliveryStatus],
        after: tuple[datetime, str] | None,
        limit: int,
    ) -> dict[str, list[Delivery]]:
        """Returns, by distribution, at most `limit` deliveries with one of these statuses, after a
        position, newest first. A distribution without deliveries is left out."""
        return await self._store.deliveries.pages(distribution_ids, statuses, after, limit)

    async def count_by_status(
        self, distribution_ids: Iterable[str]
    ) -> dict[str, dict[DeliveryStatus, int]]:
        """Returns, by distribution, the number of its deliveries with each status, all at one
        instant: a delivery that is being sent counts once."""
        found = await self._store.read_snapshot(
            lambda session: self._store.deliveries.count_by_status(distribution_ids, session)
        )
        return {
            id_: {status: found.get(id_, {}).get(status, 0) for status in DeliveryStatus}
            for id_ in distribution_ids
        }

    async def retry(self, id_: str) -> Delivery:
        """Sends a FAILED delivery again, or a RETRYING one at once, with all attempts left. Raises
        NOT_FOUND, or INVALID for another status or if its content is not stored."""
        retried = await self._store.deliveries.retry([id_], _RETRYABLE_STATUSES, self._clock())
        delivery = await self._store.deliveries.get(id_)
        if delivery is None:
            raise input_error(UserErrorCode.NOT_FOUND, "There is no such delivery.", "id")
        if not retried and delivery.status is DeliveryStatus.FAILED:
            message = (
                "What was sent is not stored, so it can't be sent again: it was a test, its"
                f" customer was deleted, or it is older than {FAILED_CONTENT_RETENTION.days} days."
            )
            raise input_error(UserErrorCode.INVALID, message, "id")
        if not retried:
            message = (
                f"The delivery is {delivery.status.value}; only one that is FAILED or RETRYING can"
                " be sent again."
            )
            raise input_error(UserErrorCode.INVALID, message, "id")
        return delivery

    async def retry_failed(self, distribution_id: str, limit: int) -> int:
        """Sends at most `limit` FAILED deliveries again, oldest first; returns how many. Raises
        NOT_FOUND."""
        await self._require_distribution(distribution_id, "distributionId")
        ids = await self._store.deliveries.failed_ids(distribution_id, limit)
        return await self._store.deliveries.retry(ids, [DeliveryStatus.FAILED], self._clock())

    async def test(self, distribution_id: str, ref: CustomerRef) -> Delivery:
        """Sends a delivery that is marked as a test, once, and returns it with the result. Raises
        NOT_FOUND."""
        distribution = await self._require_distribution(distribution_id, "id")
        definitions = await self._definitions.latest()
        customer = await self._store.customers.get(ref)
        if customer is None:
            key = "id" if ref.source_id is None else "sourceId"
            raise input_error(
                UserErrorCode.NOT_FOUND, "There is no such customer.", "customer", key
            )
        delivery_id, now = new_id(EntityKind.DELIVERY), self._clock()
        draft = DeliveryDraft(distribution, customer.id, customer.source_id)
        segment = definitions.segments[distribution.segment_id]
        payload = build_payload(
            draft, delivery_id, segment.name, customer, definitions.metadata_schema, now
        )
        content = self._content_maker.make(distribution.channel, {**payload, "test": True})
        delivery = Delivery(
            id=delivery_id,
            distribution_id=None,
            customer_id=customer.id,
            transition_id=None,
            status=DeliveryStatus.SKIPPED,
            created_at=now,
        )
        if isinstance(content, Skipped):
            delivery = replace(delivery, last_error=content.reason)
        else:
            async with self._open_channels(1) as channels:
                secrets = distribution.valid_secrets(now)
                result = await channels.send(delivery_id, content, secrets)
            is_delivered = result.outcome is Outcome.DELIVERED
            delivery = replace(
                delivery,
                status=DeliveryStatus.DELIVERED if is_delivered else DeliveryStatus.FAILED,
                attempts=1,
                last_error=result.message or None,
                delivered_at=self._clock() if is_delivered else None,
            )
        await self._store.deliveries.insert([NewDelivery(delivery)])
        return delivery

    async def _require_distribution(self, id_: str, *path: str) -> Distribution:
        distribution = (await self._definitions.latest()).distributions.get(id_)
        if distribution is None:
            raise input_error(UserErrorCode.NOT_FOUND, "There is no such distribution.", *path)
        return distribution
