"""Distributions: the operations on them. Their deliveries are in app/services/deliveries."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from app.domain.consumers import Consumer
from app.domain.distribution_inputs import ChannelInput, DistributionInput, DistributionUpdateInput
from app.domain.distributions import (
    MAX_DISTRIBUTIONS,
    Channel,
    Distribution,
    DistributionState,
    MemberBackfill,
    SigningSecret,
    WebhookChannel,
)
from app.domain.ids import EntityKind
from app.domain.inputs import InputObject, parse_input
from app.domain.log_interval import LogInterval
from app.domain.segments import Segment
from app.domain.uses import Use, UseKind
from app.errors import UserErrorCode, input_error
from app.services.active_filters import ActiveFilters
from app.services.definitions import Definitions
from app.services.definitions_reader import DefinitionsReader
from app.services.deliveries.channel_checks import require_usable
from app.services.deliveries.pausing import OUT_OF_CODES
from app.services.deliveries.signing import new_secret
from app.services.idempotency import WITHOUT_KEY, CreationRecorder
from app.services.log_boundary import at_log_boundary, handled_sequence
from app.settings import Settings
from app.store import Store, Transaction
from app.store.ids import new_id


class DistributionWithSegment(NamedTuple):
    """A distribution, and its segment in the same revision of the definitions. `new_secret` is the
    signing secret if this operation has made it; it is not shown again."""

    distribution: Distribution
    segment: Segment
    new_secret: str | None = None


class Distributions:
    """The operations on distributions. Changes lock the definitions and the checkpoint of the
    deliveries consumer, so they run one after the other, at one place of the log."""

    def __init__(self, store: Store, definitions: DefinitionsReader, settings: Settings) -> None:
        self._store = store
        self._definitions = definitions
        self._settings = settings
        self._active_filters = ActiveFilters(store)

    async def all(self) -> list[DistributionWithSegment]:
        """Returns all distributions, oldest first."""
        definitions = await self._definitions.latest()
        return [
            _with_segment(distribution, definitions)
            for distribution in definitions.distributions.values()
        ]

    async def get(self, id_: str) -> DistributionWithSegment | None:
        return (await self.get_many([id_])).get(id_)

    async def get_many(self, ids: Iterable[str]) -> dict[str, DistributionWithSegment]:
        """Returns the existing ones of the distributions by id."""
        definitions = await self._definitions.latest()
        found = definitions.distributions
        return {id_: _with_segment(found[id_], definitions) for id_ in ids if id_ in found}

    async def create(
        self,
        input_object: InputObject,
        now: datetime,
        recorder: CreationRecorder = WITHOUT_KEY,
    ) -> DistributionWithSegment:
        """Creates a distribution, which is LIVE, and activates its segment. The transitions after
        this transaction make deliveries. Raises InputError if the input is invalid."""
        row = parse_input(DistributionInput, input_object, "input")
        channel = self._parse_channel(row.channel)

        async def work(transaction: Transaction, last_sequence: int) -> DistributionWithSegment:
            id_ = new_id(EntityKind.DISTRIBUTION)
            await recorder.record(id_, transaction)
            definitions = await self._definitions.lock(transaction)
            if len(definitions.distributions) >= MAX_DISTRIBUTIONS:
                message = (
                    f"A project has at most {MAX_DISTRIBUTIONS:,} distributions; delete one first."
                )
                raise input_error(UserErrorCode.TOO_MANY, message, "input")
            await self._require_pool(row.code_pool_id, transaction)
            segment = await self._active_filters.activate(
                row.segment_id,
                definitions,
                now,
                transaction,
                *("input", "segmentId"),
                use=Use(UseKind.DISTRIBUTION, id_, row.name),
            )
            distribution = Distribution(
                id=id_,
                name=row.name,
                segment_id=segment.id,
                on=row.on,
                channel=channel,
                created_at=now,
                live_intervals=(LogInterval(last_sequence),),
                secrets=(SigningSecret(new_secret()),),
                code_pool_id=row.code_pool_id,
                max_per_customer=row.max_per_customer,
                includes_current_members=row.include_current_members,
            )
            await self._store.distributions.add(
                distribution,
                await self._start_backfill(distribution, transaction),
                definitions.revision + 1,
                transaction,
            )
            return DistributionWithSegment(distribution, segment, _shown_secret(distribution))

        return await self._at_boundary(work)

    async def update(self, id_: str, input_object: InputObject) -> DistributionWithSegment:
        """Changes the sent fields. Deliveries made before keep their channel. Raises InputError."""
        row = parse_input(DistributionUpdateInput, input_object, "input")
        row.require_not_null()
        changes: dict[str, Any] = {
            name: getattr(row, name)
            for name in row.model_fields_set
            if name in ("name", "code_pool_id", "max_per_customer")
        }
        if row.channel is not None:
            changes["channel"] = self._parse_channel(row.channel)

        async def change(
            current: Distribution, _: int, transaction: Transaction
        ) -> tuple[Distribution, str | None]:
            if "code_pool_id" in changes:
                await self._require_pool(row.code_pool_id, transaction)
            changed = replace(current, **changes)
            becomes_webhook = not isinstance(current.channel, WebhookChannel)
            return changed, _shown_secret(changed) if becomes_webhook else None

        return await self._change(id_, change)

    async def set_state(self, id_: str, state: DistributionState) -> DistributionWithSegment:
        """Pauses or resumes the distribution. Raises NOT_FOUND, or OUT_OF_CODES if it was paused
        because its code pool had run out, and the pool still has no code and none is generated."""

        async def change(
            current: Distribution, last_sequence: int, transaction: Transaction
        ) -> tuple[Distribution, None]:
            if state is DistributionState.LIVE:
                if current.paused_because == OUT_OF_CODES:
                    await self._require_codes(current.code_pool_id, transaction)
                changed = current.resume(last_sequence)
            else:
                # Now a person has paused it, whatever the program found before.
                changed = replace(current.pause(last_sequence, None), paused_because=None)
            handled = await handled_sequence(self._store, Consumer.DELIVERIES, transaction)
            return changed.without_passed_intervals(handled), None

        return await self._change(id_, change)

    async def rotate_secret(self, id_: str, now: datetime) -> DistributionWithSegment:
        """Gives the distribution a new signing secret. For 24 hours, webhooks are signed with both.
        Raises NOT_FOUND."""
        secret = new_secret()

        async def change(
            current: Distribution, _: int, __: Transaction
        ) -> tuple[Distribution, str]:
            return current.rotate_secret(secret, now), secret

        return await self._change(id_, change)

    async def delete(self, id_: str) -> DistributionWithSegment:
        """Deletes the distribution. Deliveries that are not sent yet are canceled. Raises
        NOT_FOUND."""

        async def change(
            current: Distribution, last_sequence: int, _: Transaction
        ) -> tuple[Distribution, None]:
            return current.delete(last_sequence), None

        return await self._change(id_, change)

    async def _change(self, id_: str, change: Callable[..., Any]) -> DistributionWithSegment:
        """Saves what `change` makes of the distribution at the end of the log."""

        async def work(transaction: Transaction, last_sequence: int) -> DistributionWithSegment:
            definitions = await self._definitions.lock(transaction)
            current = definitions.distributions.get(id_)
            if current is None:
                raise input_error(UserErrorCode.NOT_FOUND, "There is no such distribution.", "id")
            changed, shown_secret = await change(current, last_sequence, transaction)
            await self._store.distributions.save(changed, definitions.revision + 1, transaction)
            segment = definitions.segments[changed.segment_id]
            return DistributionWithSegment(changed, segment, shown_secret)

        return await self._at_boundary(work)

    async def _at_boundary(self, work: Callable[..., Any]) -> DistributionWithSegment:
        # Fills the cache before the transaction locks the definitions.
        await self._definitions.latest()
        result: DistributionWithSegment = await at_log_boundary(
            self._store, Consumer.DELIVERIES, work
        )
        return result

    def _parse_channel(self, channel_input: ChannelInput) -> Channel:
        channel = channel_input.to_channel()
        require_usable(channel, self._settings, "input", "channel")
        return channel

    async def _require_pool(self, pool_id: str | None, transaction: Transaction) -> None:
        """Raises NOT_FOUND if there is no such code pool."""
        if pool_id is not None and await self._store.code_pools.get(pool_id, transaction) is None:
            message = "There is no such code pool."
            raise input_error(UserErrorCode.NOT_FOUND, message, "input", "codePoolId")

    async def _require_codes(self, pool_id: str | None, transaction: Transaction) -> None:
        """Raises OUT_OF_CODES if the pool has no code left."""
        pool = None if pool_id is None else await self._store.code_pools.get(pool_id, transaction)
        if pool is not None and not pool.available_count and not pool.generating_count:
            message = f"The code pool {pool.name!r} has no codes left; add codes first."
            raise input_error(UserErrorCode.OUT_OF_CODES, message, "id")

    async def _start_backfill(
        self, distribution: Distribution, transaction: Transaction
    ) -> MemberBackfill | None:
        if not distribution.includes_current_members:
            return None
        return MemberBackfill(
            await self._store.active_filters.since_revision(distribution.segment_id, transaction)
        )


def _with_segment(distribution: Distribution, definitions: Definitions) -> DistributionWithSegment:
    return DistributionWithSegment(distribution, definitions.segments[distribution.segment_id])


def _shown_secret(distribution: Distribution) -> str | None:
    """The newest secret, if the channel uses one."""
    is_webhook = isinstance(distribution.channel, WebhookChannel)
    return distribution.secrets[0].secret if is_webhook else None
