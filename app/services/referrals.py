"""Referral programs: create and delete them, and record who referred whom."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from app.domain.consumers import Consumer
from app.domain.customers import Customer
from app.domain.ids import EntityKind
from app.domain.inputs import (
    CustomerRef,
    InputObject,
    ReferralProgramInput,
    ReferralTierInput,
    RewardInput,
    parse_input,
)
from app.domain.log_interval import LogInterval
from app.domain.referrals import (
    MAX_PROGRAMS,
    MAX_TIERS,
    CodeReward,
    PointsReward,
    ReferralProgram,
    ReferralTier,
    Reward,
)
from app.domain.uses import Use, UseKind
from app.errors import InputError, Problem, UserErrorCode, input_error
from app.services.active_filters import ActiveFilters
from app.services.definitions import Definitions
from app.services.definitions_reader import DefinitionsReader
from app.services.idempotency import WITHOUT_KEY, CreationRecorder
from app.services.log_boundary import at_log_boundary
from app.services.referral_rewards import RewardGiver
from app.store import Store, Transaction
from app.store.code_pools import claim_key
from app.store.ids import new_id


class RecordedReferral(NamedTuple):
    """A referrer, and how many referees the referrer has in the program."""

    referrer: Customer
    referral_count: int


class Referrals:
    """The operations on referral programs. Creating and deleting lock the definitions, so that no
    program uses a segment, loyalty program or code pool that is being deleted."""

    def __init__(
        self, store: Store, definitions: DefinitionsReader, reward_giver: RewardGiver
    ) -> None:
        self._store = store
        self._definitions = definitions
        self._reward_giver = reward_giver
        self._active_filters = ActiveFilters(store)

    async def programs(self) -> list[ReferralProgram]:
        """Returns all programs, in the order of their creation."""
        return list((await self._definitions.latest()).referral_programs.values())

    async def program(self, id_: str) -> ReferralProgram | None:
        return (await self._definitions.latest()).referral_programs.get(id_)

    async def tier(self, id_: str) -> ReferralTier | None:
        return (await self.get_tiers([id_])).get(id_)

    async def get_tiers(self, ids: Iterable[str]) -> dict[str, ReferralTier]:
        """Returns by id those tiers that exist."""
        tiers = (await self._definitions.latest()).referral_tiers
        return {id_: tiers[id_] for id_ in ids if id_ in tiers}

    async def create_program(
        self,
        input_object: InputObject,
        now: datetime,
        recorder: CreationRecorder = WITHOUT_KEY,
    ) -> ReferralProgram:
        """Creates the program and activates the segments of its tiers. Raises InputError if the
        input is invalid; TOO_MANY above the limits of programs and tiers."""
        row = parse_input(ReferralProgramInput, input_object, "input")
        _validate_tiers(row.tiers)

        async def work(transaction: Transaction) -> ReferralProgram:
            id_ = new_id(EntityKind.REFERRAL_PROGRAM)
            await recorder.record(id_, transaction)
            definitions = await self._definitions.lock(transaction)
            if len(definitions.referral_programs) >= MAX_PROGRAMS:
                message = f"A project has at most {MAX_PROGRAMS:,} referral programs; delete one."
                raise input_error(UserErrorCode.TOO_MANY, message, "input")
            program = ReferralProgram(
                id=id_,
                name=row.name,
                tiers=tuple(
                    [
                        await self._build_tier(id_, index, tier_input, transaction)
                        for index, tier_input in enumerate(row.tiers)
                    ]
                ),
                created_at=now,
                log_interval=LogInterval(await self._store.transitions.last_sequence(transaction)),
            )
            await self._activate_segments(program, definitions, now, transaction)
            await self._store.referral_programs.add(program, definitions.revision + 1, transaction)
            return program

        # Fills the cache before the transaction locks the definitions.
        await self._definitions.latest()
        return await self._store.transaction(work)

    async def _build_tier(
        self, program_id: str, index: int, row: ReferralTierInput, transaction: Transaction
    ) -> ReferralTier:
        path = ("input", "tiers", str(index), "reward")
        return ReferralTier(
            id=new_id(EntityKind.REFERRAL_TIER),
            program_id=program_id,
            name=row.name,
            min_referrals=row.min_referrals,
            reward=await self._build_reward(row.reward, path, transaction),
            segment_id=row.segment_id,
        )

    async def _build_reward(
        self, row: RewardInput, path: Sequence[str], transaction: Transaction
    ) -> Reward:
        """Raises NOT_FOUND if the loyalty program or the code pool does not exist."""
        if row.points is None:
            assert row.code_pool_id is not None, "RewardInput is @oneOf"
            if await self._store.code_pools.get(row.code_pool_id, transaction) is None:
                message = "There is no such code pool."
                raise input_error(UserErrorCode.NOT_FOUND, message, *path, "codePoolId")
            return CodeReward(row.code_pool_id)
        program_id = row.points.program_id
        if await self._store.loyalty_programs.get(program_id, transaction) is None:
            message = "There is no such loyalty program."
            raise input_error(UserErrorCode.NOT_FOUND, message, *path, "points", "programId")
        return PointsReward(program_id, row.points.points)

    async def _activate_segments(
        self,
        program: ReferralProgram,
        definitions: Definitions,
        now: datetime,
        transaction: Transaction,
    ) -> None:
        activated_ids: set[str] = set()
        for index, tier in enumerate(program.tiers):
            if tier.segment_id is not None and tier.segment_id not in activated_ids:
                activated_ids.add(tier.segment_id)
                path = ("input", "tiers", str(index), "segmentId")
                use = Use(UseKind.REFERRAL_TIER, tier.id, tier.name)
                await self._active_filters.activate(
                    tier.segment_id, definitions, now, transaction, *path, use=use
                )

    async def delete_program(self, id_: str) -> ReferralProgram:
        """Deletes the program. Rewards that were earned before this transaction are still given,
        unless their code pool is deleted too. Raises NOT_FOUND."""

        async def work(transaction: Transaction, last_sequence: int) -> ReferralProgram:
            definitions = await self._definitions.lock(transaction)
            program = definitions.referral_programs.get(id_)
            if program is None:
                raise _no_such_program("id")
            revision = definitions.revision + 1
            await self._store.referral_programs.end(id_, last_sequence, revision, transaction)
            return replace(program, log_interval=program.log_interval.with_end(last_sequence))

        # Fills the cache before the transaction locks the definitions.
        await self._definitions.latest()
        return await at_log_boundary(self._store, Consumer.REFERRALS, work)

    async def record(
        self, program_id: str, referrer_wire: InputObject, referee_wire: InputObject
    ) -> RecordedReferral:
        """Records that a customer referred another, and gives the rewards that the referrer earns
        by it. A referee whom somebody has already referred in the program changes nothing.

        Raises NOT_FOUND for an unknown program or customer, INVALID if both are the same customer.
        """
        refs = {
            "referrer": parse_input(CustomerRef, referrer_wire, "referrer"),
            "referee": parse_input(CustomerRef, referee_wire, "referee"),
        }

        async def work(transaction: Transaction) -> RecordedReferral:
            definitions = await self._definitions.in_snapshot(transaction)
            program = definitions.referral_programs.get(program_id)
            if program is None:
                raise _no_such_program("programId")
            customers = await self._find_customers(refs, transaction)
            referrer, referee = customers["referrer"], customers["referee"]
            if referrer.id == referee.id:
                message = "A customer can't refer themselves; name another referee."
                raise input_error(UserErrorCode.INVALID, message, "referee")
            referrals = self._store.referrals
            if await referrals.is_referred(program_id, referee.id, transaction):
                count = await referrals.count(program_id, referrer.id, transaction)
                return RecordedReferral(referrer, count)
            count = await referrals.add(program_id, referrer.id, referee.id, transaction)
            await self._reward_giver.reach_tiers(program, referrer.id, count, transaction)
            return RecordedReferral(referrer, count)

        return await self._store.transaction(work, keys=await self._keys(program_id, refs))

    async def _keys(self, program_id: str, refs: dict[str, CustomerRef]) -> set[str]:
        """The keys of the documents that a referral may write."""
        program = await self.program(program_id)
        return {
            refs["referrer"].value,
            *(f"{program_id} {role} {ref.value}" for role, ref in refs.items()),
            *(
                claim_key(tier.reward.pool_id)
                for tier in (program.tiers if program else ())
                if isinstance(tier.reward, CodeReward)
            ),
        }

    async def _find_customers(
        self, refs: dict[str, CustomerRef], transaction: Transaction
    ) -> dict[str, Customer]:
        """Returns the customers by role. Raises NOT_FOUND for each that does not exist."""
        found = await self._store.customers.find(refs.values(), transaction)
        by_ref = {CustomerRef.by_id(customer.id): customer for customer in found} | {
            CustomerRef.by_source_id(customer.source_id): customer for customer in found
        }
        problems = [
            Problem(
                UserErrorCode.NOT_FOUND,
                "There is no such customer; create it first.",
                (role, "sourceId" if ref.id is None else "id"),
            )
            for role, ref in refs.items()
            if ref not in by_ref
        ]
        if problems:
            raise InputError(problems)
        return {role: by_ref[ref] for role, ref in refs.items()}


def _validate_tiers(rows: Sequence[ReferralTierInput]) -> None:
    """Raises INVALID for a program without tiers, or with two tiers of one name; TOO_MANY for too
    many tiers."""
    path = ("input", "tiers")
    if not rows:
        message = "A referral program has at least one tier; add one."
        raise input_error(UserErrorCode.INVALID, message, *path)
    if len(rows) > MAX_TIERS:
        message = f"A referral program has at most {MAX_TIERS} tiers; leave some out."
        raise input_error(UserErrorCode.TOO_MANY, message, *path)
    names: set[str] = set()
    problems = []
    for index, row in enumerate(rows):
        if row.name in names:
            message = "Another tier of the program has this name; choose another."
            problems.append(Problem(UserErrorCode.TAKEN, message, (*path, str(index), "name")))
        names.add(row.name)
    if problems:
        raise InputError(problems)


def _no_such_program(*path: str) -> InputError:
    return input_error(UserErrorCode.NOT_FOUND, "There is no such referral program.", *path)
