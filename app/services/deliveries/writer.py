"""Makes delivery rows in a transaction, with their content, codes and limits."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from app.domain.customers import Customer
from app.domain.deliveries import (
    Content,
    Delivery,
    DeliveryStatus,
    NewDelivery,
    Skipped,
    WaitingContent,
)
from app.domain.inputs import CustomerRef
from app.services.definitions_reader import DefinitionsReader
from app.services.deliveries.content import ContentMaker
from app.services.deliveries.pausing import pause_without_codes
from app.services.deliveries.payload import DeliveryDraft, Payload, build_payload
from app.store import Store, Transaction


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A delivery whose payload has no code yet."""

    draft: DeliveryDraft
    payload: Payload
    content: Content | Skipped


class DeliveryWriter:
    """Turns drafts into rows. The consumer and the member backfill use it in their transactions."""

    def __init__(
        self,
        store: Store,
        definitions: DefinitionsReader,
        content_maker: ContentMaker,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._definitions = definitions
        self._content_maker = content_maker
        self._clock = clock

    async def write(self, drafts: Sequence[DeliveryDraft], transaction: Transaction) -> None:
        """Makes the deliveries that do not exist yet, in this order, within the limit for each
        customer."""
        drafts = await self._without_existing(drafts, transaction)
        drafts = await self._within_limits(drafts, transaction)
        if not drafts:
            return
        now = self._clock()
        prepared = await self._prepare(drafts, now, transaction)
        codes = await self._claim_codes(prepared, transaction)
        rows = [self._new_delivery(item, codes.get(item.draft.id), now) for item in prepared]
        await self._store.deliveries.insert(rows, transaction)

    async def _without_existing(
        self, drafts: Sequence[DeliveryDraft], transaction: Transaction
    ) -> list[DeliveryDraft]:
        drafts_by_id = {draft.id: draft for draft in drafts}
        existing = await self._store.deliveries.existing_ids(drafts_by_id, transaction)
        return [draft for id_, draft in drafts_by_id.items() if id_ not in existing]

    async def _within_limits(
        self, drafts: Sequence[DeliveryDraft], transaction: Transaction
    ) -> list[DeliveryDraft]:
        limited = [draft for draft in drafts if draft.distribution.max_per_customer is not None]
        if not limited:
            return list(drafts)
        counts = Counter(
            await self._store.deliveries.count_by_customer(
                {draft.distribution.id for draft in limited},
                {draft.customer_id for draft in limited},
                transaction,
            )
        )
        remaining = []
        for draft in drafts:
            key = (draft.distribution.id, draft.customer_id)
            limit = draft.distribution.max_per_customer
            if limit is None or counts[key] < limit:
                counts[key] += 1
                remaining.append(draft)
        return remaining

    async def _claim_codes(
        self, prepared: Iterable[_Prepared], transaction: Transaction
    ) -> dict[str, str]:
        """Returns the codes by the id of the draft. A distribution whose pool runs out is paused;
        it is not paused while a job generates more codes."""
        by_pool: defaultdict[str, list[DeliveryDraft]] = defaultdict(list)
        for item in prepared:
            pool_id = item.draft.distribution.code_pool_id
            if pool_id is not None and not isinstance(item.content, Skipped):
                by_pool[pool_id].append(item.draft)
        codes: dict[str, str] = {}
        for pool_id, drafts in by_pool.items():
            claimed = await self._store.code_pools.claim(pool_id, len(drafts), transaction)
            codes |= {draft.id: code for draft, code in zip(drafts, claimed, strict=False)}
            without_code = {draft.distribution.id for draft in drafts[len(claimed) :]}
            await pause_without_codes(
                self._store, self._definitions, pool_id, without_code, transaction
            )
        return codes

    async def _prepare(
        self, drafts: Iterable[DeliveryDraft], now: datetime, transaction: Transaction
    ) -> list[_Prepared]:
        definitions = await self._definitions.in_snapshot(transaction)
        customers = await self._read_customers(drafts, transaction)
        prepared = []
        for draft in drafts:
            segment = definitions.segments.get(draft.distribution.segment_id)
            payload = build_payload(
                draft,
                draft.id,
                segment.name if segment else "",
                customers.get(draft.customer_id),
                definitions.metadata_schema,
                now,
            )
            content = self._content_maker.make(draft.distribution.channel, payload)
            prepared.append(_Prepared(draft, payload, content))
        return prepared

    async def _read_customers(
        self, drafts: Iterable[DeliveryDraft], transaction: Transaction
    ) -> dict[str, Customer]:
        refs = [CustomerRef.by_id(id_) for id_ in {draft.customer_id for draft in drafts}]
        customers = await self._store.customers.find(refs, transaction)
        return {customer.id: customer for customer in customers}

    def _new_delivery(self, prepared: _Prepared, code: str | None, now: datetime) -> NewDelivery:
        draft, content = prepared.draft, prepared.content
        channel, pool_id = draft.distribution.channel, draft.distribution.code_pool_id
        delivery = Delivery(
            id=draft.id,
            distribution_id=draft.distribution.id,
            customer_id=draft.customer_id,
            transition_id=draft.transition.id if draft.transition else None,
            status=DeliveryStatus.PENDING,
            created_at=now,
            code=code,
            next_attempt_at=now,
        )
        if isinstance(content, Skipped):
            skipped = replace(
                delivery,
                status=DeliveryStatus.SKIPPED,
                last_error=content.reason,
                next_attempt_at=None,
            )
            return NewDelivery(skipped)
        if pool_id is None:
            return NewDelivery(delivery, content)
        if code is None:
            waiting = replace(delivery, next_attempt_at=None)
            return NewDelivery(waiting, waiting=WaitingContent(channel, prepared.payload))
        with_code = self._content_maker.make(channel, {**prepared.payload, "code": code})
        assert not isinstance(with_code, Skipped), "a code does not change the address"
        return NewDelivery(delivery, with_code)
