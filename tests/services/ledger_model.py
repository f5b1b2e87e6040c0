"""A plain in-memory model of the points that customers earn, and a consumer that is killed."""

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo import monitoring

from app.domain.consumers import Consumer
from app.services.consumers import ConsumerRunner
from app.services.earning_consumer import EarningConsumer
from app.settings import Settings
from app.store import Store
from tests.api import Json
from tests.loyalty_client import NOW, LoyaltyClient

LedgerEntry = tuple[str, int, int, int]
"""The rule, the sequence, the points, the balance. Adjustments have a rule of their program."""


@dataclass
class ExpectedRule:
    program: str
    segment: str
    points: int
    points_every: int | None
    active_from: datetime
    active_until: datetime
    max_per_customer: int | None
    since_sequence: int
    until_sequence: float = float("inf")
    disabled: list[tuple[int, float]] = field(default_factory=list)

    def is_enabled_at(self, sequence: int) -> bool:
        return not any(since < sequence <= until for since, until in self.disabled)


@dataclass
class LedgerModel:
    """Customers who enter and leave at random, and rules that are created and deleted."""

    loyalty_client: LoyaltyClient
    rng: random.Random
    name: str
    programs: list[str] = field(default_factory=list)
    segments: list[str] = field(default_factory=list)
    rules: dict[str, ExpectedRule] = field(default_factory=dict)
    spent: dict[str, Any] = field(default_factory=dict)
    ledger: dict[str, list[LedgerEntry]] = field(default_factory=dict)
    unapplied_log: list[tuple[int, str, str, str, datetime]] = field(default_factory=list)

    @classmethod
    async def create(cls, loyalty_client: LoyaltyClient, seed: int) -> "LedgerModel":
        model = cls(loyalty_client, random.Random(seed), f"s{seed}")
        for number in range(2):
            model.programs.append(
                await loyalty_client.create_program(f"{model.name} program {number}")
            )
        for number in range(3):
            model.segments.append(
                await loyalty_client.create_segment(f"{model.name} segment {number}")
            )
        for number in range(5):
            await model.upsert_customer(f"{model.name} customer {number}")
        return model

    async def upsert_customer(self, source_id: str) -> None:
        spent = self.rng.choice([0, 1, 9, 10, 25, -30, 99.5, None, "10"])
        await self.loyalty_client.api.upsert(source_id, metadata={"spent": spent})
        self.spent[source_id] = spent
        self.ledger.setdefault(source_id, [])

    async def change_random_rule(self) -> None:
        active_rules = [
            id_ for id_, rule in self.rules.items() if rule.until_sequence == float("inf")
        ]
        if active_rules and self.rng.random() < 0.3:
            rule_id = self.rng.choice(active_rules)
            await self.loyalty_client.delete_rule(rule_id)
            self.rules[rule_id].until_sequence = await self.end_of_log()
            return
        if active_rules and self.rng.random() < 0.5:
            await self.toggle_rule(self.rng.choice(active_rules))
            return
        await self.add_rule()

    async def toggle_rule(self, rule_id: str) -> None:
        """Disables the rule, or enables it again."""
        intervals, end_sequence = self.rules[rule_id].disabled, await self.end_of_log()
        is_disabled = bool(intervals) and intervals[-1][1] == float("inf")
        await self.loyalty_client.set_enabled(rule_id, is_disabled)
        if is_disabled:
            intervals[-1] = (intervals[-1][0], end_sequence)
        else:
            intervals.append((end_sequence, float("inf")))

    async def adjust_random_points(self) -> None:
        """Gives or takes points of a random customer, at most as many as there are."""
        source_id, program = self.rng.choice(list(self.spent)), self.rng.choice(self.programs)
        balance = self._balance(source_id, program)
        points = self.rng.randint(-balance, 20) or 1
        entry = await self.loyalty_client.adjust_points(source_id, program, points)
        assert entry["balance"] == balance + points
        self.ledger[source_id].append((f"adjustment of {program}", 0, points, balance + points))

    async def add_rule(self) -> None:
        rng = self.rng
        rule = ExpectedRule(
            program=rng.choice(self.programs),
            segment=rng.choice(self.segments),
            points=rng.randint(1, 9),
            points_every=rng.choice([None, 10]),
            active_from=NOW + timedelta(minutes=rng.choice([-99, 0, 1])),
            active_until=NOW + timedelta(minutes=rng.choice([2, 99])),
            max_per_customer=rng.choice([None, None, 1, 3]),
            since_sequence=await self.end_of_log(),
        )
        points = (
            ("metadata.spent", rule.points_every, rule.points) if rule.points_every else rule.points
        )
        id_ = await self.loyalty_client.create_rule(
            rule.program,
            rule.segment,
            points,
            activeFrom=rule.active_from.isoformat(),
            activeUntil=rule.active_until.isoformat(),
            maxPerCustomer=rule.max_per_customer,
        )
        self.rules[id_] = rule

    async def end_of_log(self) -> int:
        return await self.loyalty_client.api.services.transitions.end()

    async def append_random_transitions(self, number: int) -> None:
        """Appends this many transitions of random customers and segments."""
        pending_transitions, end_sequence = [], await self.end_of_log()
        for sequence in range(end_sequence + 1, end_sequence + number + 1):
            source_id = self.rng.choice(list(self.spent))
            segment = self.rng.choice(self.segments)
            type_ = self.rng.choice(["ENTERED", "ENTERED", "LEFT"])
            at = NOW + timedelta(minutes=self.rng.choice([-1, 0, 1, 2, 3]))
            pending_transitions.append(
                self.loyalty_client.pending_transition(segment, source_id, type_, at)
            )
            self.unapplied_log.append((sequence, source_id, segment, type_, at))
        await self.loyalty_client.append_transitions(pending_transitions)

    async def delete_customer(self, source_id: str) -> None:
        await self.loyalty_client.api.fetch(
            "mutation($id: String!) { customerDelete(customer: {sourceId: $id}) { deletedId } }",
            id=source_id,
        )
        del self.spent[source_id], self.ledger[source_id]

    def apply_log(self) -> None:
        """Computes the expected ledger from the log, for the customers that exist."""
        for sequence, source_id, segment, type_, at in self.unapplied_log:
            if source_id not in self.spent or type_ != "ENTERED":
                continue
            for id_, rule in self.rules.items():
                if not (
                    rule.since_sequence < sequence <= rule.until_sequence
                    and rule.is_enabled_at(sequence)
                    and rule.active_from <= at < rule.active_until
                ):
                    continue
                times_earned = Counter(entry[0] for entry in self.ledger[source_id])[id_]
                points = self._points(rule, self.spent[source_id])
                if (
                    rule.segment == segment
                    and points > 0
                    and times_earned < (rule.max_per_customer or 10**9)
                ):
                    balance = self._balance(source_id, rule.program) + points
                    self.ledger[source_id].append((id_, sequence, points, balance))
        self.unapplied_log.clear()

    def _points(self, rule: ExpectedRule, spent: Any) -> int:
        if rule.points_every is None:
            return rule.points
        return (
            int(spent // rule.points_every) * rule.points if isinstance(spent, int | float) else 0
        )

    def _balance(self, source_id: str, program: str) -> int:
        rules = (id_ for id_, rule in self.rules.items() if rule.program == program)
        program_rules = {*rules, f"adjustment of {program}"}
        return sum(points for id_, _, points, _ in self.ledger[source_id] if id_ in program_rules)

    def stored_entries(self, source_id: str) -> Iterator[LedgerEntry]:
        """Returns the stored entries of a customer, in the order of time."""
        customer = self.loyalty_client.api.read_customer_document(source_id)["_id"]
        rows = self.loyalty_client.api.database.ledger.find({"customerId": customer})
        for row in rows.sort([("at", 1), ("_id", 1)]):
            if "ruleId" in row:
                rule, sequence = f"ear_{row['ruleId']}", int(str(row["transitionId"]), 16)
            else:
                rule, sequence = f"adjustment of loy_{row['programId']}", 0
            yield rule, sequence, row["points"], row["balance"]

    def assert_ledger(self) -> None:
        """Asserts that the ledger equals the model's, and that the points of customers are its
        sums."""
        for source_id in self.spent:
            assert list(self.stored_entries(source_id)) == self.ledger[source_id]
            document: Json = self.loyalty_client.api.read_customer_document(source_id)
            points = sum(entry[2] for entry in self.ledger[source_id])
            assert (document.get("loyalty") or {}).get("points", 0) == points


def run_consumer_until_killed(settings: Settings, commands: int) -> None:
    """Runs the consumer with a simulated kill after this many commands; ends at the end of the
    log."""
    monitoring.register(ProcessKiller(commands))
    asyncio.run(_run_consumer(settings))


async def _run_consumer(settings: Settings) -> None:
    store = Store.connect(settings)
    runner = loyalty_runner(store, max_batch=16)
    while await runner.run_once():
        pass
    await store.close()


def loyalty_runner(store: Store, max_batch: int) -> ConsumerRunner:
    """Returns the loyalty consumer of another process."""
    consumer = EarningConsumer(store, lambda: datetime.now(UTC))
    return ConsumerRunner(
        store,
        Consumer.LOYALTY,
        consumer.handle,
        store.earning_rules.segments_used_after,
        max_batch_size=max_batch,
    )


class ProcessKiller(monitoring.CommandListener):
    def __init__(self, commands: int) -> None:
        self._commands_left = commands

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        self._commands_left -= 1
        if self._commands_left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        pass

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        pass
