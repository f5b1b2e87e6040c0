"""What customers must have earned, kept in memory and plainly; and a worker that dies."""

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
from app.services.earning import Earning
from app.settings import Settings
from app.store import Store
from tests.api import Json
from tests.club import NOW, Club

Entry = tuple[str, int, int, int]
"""The rule, the sequence, the points, the balance."""


@dataclass
class Rule:
    program: str
    segment: str
    points: int
    every: int | None
    begins: datetime
    ends: datetime
    most: int | None
    since: int
    until: float = float("inf")


@dataclass
class Earners:
    """Customers who enter and leave by chance, and rules that come and go."""

    club: Club
    chance: random.Random
    name: str
    programs: list[str] = field(default_factory=list)
    segments: list[str] = field(default_factory=list)
    rules: dict[str, Rule] = field(default_factory=dict)
    spent: dict[str, Any] = field(default_factory=dict)
    ledger: dict[str, list[Entry]] = field(default_factory=dict)
    log: list[tuple[int, str, str, str, datetime]] = field(default_factory=list)

    @classmethod
    async def make(cls, club: Club, seed: int) -> "Earners":
        earners = cls(club, random.Random(seed), f"s{seed}")
        for number in range(2):
            earners.programs.append(await club.program(f"{earners.name} program {number}"))
        for number in range(3):
            earners.segments.append(await club.segment(f"{earners.name} segment {number}"))
        for number in range(5):
            await earners.spend(f"{earners.name} customer {number}")
        return earners

    async def spend(self, who: str) -> None:
        spent = self.chance.choice([0, 1, 9, 10, 25, -30, 99.5, None, "10"])
        await self.club.api.upsert(who, metadata={"spent": spent})
        self.spent[who] = spent
        self.ledger.setdefault(who, [])

    async def change_rules(self) -> None:
        live = [id_ for id_, rule in self.rules.items() if rule.until == float("inf")]
        if live and self.chance.random() < 0.3:
            ended = self.chance.choice(live)
            await self.club.end_rule(ended)
            self.rules[ended].until = await self.end()
            return
        await self.add_rule()

    async def add_rule(self) -> None:
        chance = self.chance
        rule = Rule(
            program=chance.choice(self.programs),
            segment=chance.choice(self.segments),
            points=chance.randint(1, 9),
            every=chance.choice([None, 10]),
            begins=NOW + timedelta(minutes=chance.choice([-99, 0, 1])),
            ends=NOW + timedelta(minutes=chance.choice([2, 99])),
            most=chance.choice([None, None, 1, 3]),
            since=await self.end(),
        )
        points = ("metadata.spent", rule.every, rule.points) if rule.every else rule.points
        id_ = await self.club.rule(
            rule.program,
            rule.segment,
            points,
            activeFrom=rule.begins.isoformat(),
            activeUntil=rule.ends.isoformat(),
            maxPerCustomer=rule.most,
        )
        self.rules[id_] = rule

    async def end(self) -> int:
        return await self.club.api.services.transitions.end()

    async def cross(self, number: int) -> None:
        """So many crossings of anybody, anywhere."""
        crossings, end = [], await self.end()
        for sequence in range(end + 1, end + number + 1):
            who = self.chance.choice(list(self.spent))
            segment = self.chance.choice(self.segments)
            type_ = self.chance.choice(["ENTERED", "ENTERED", "LEFT"])
            at = NOW + timedelta(minutes=self.chance.choice([-1, 0, 1, 2, 3]))
            crossings.append(self.club.crossing(segment, who, type_, at))
            self.log.append((sequence, who, segment, type_, at))
        await self.club.append(crossings)

    async def delete(self, who: str) -> None:
        await self.club.api.ask(
            "mutation($id: String!) { customerDelete(customer: {sourceId: $id}) { deletedId } }",
            id=who,
        )
        del self.spent[who], self.ledger[who]

    def earn(self) -> None:
        """What the log says, customers being as they are."""
        for sequence, who, segment, type_, at in self.log:
            if who not in self.spent or type_ != "ENTERED":
                continue
            for id_, rule in self.rules.items():
                if not (rule.since < sequence <= rule.until and rule.begins <= at < rule.ends):
                    continue
                given = Counter(entry[0] for entry in self.ledger[who])[id_]
                points = self._points(rule, self.spent[who])
                if rule.segment == segment and points > 0 and given < (rule.most or 10**9):
                    balance = self._balance(who, rule.program) + points
                    self.ledger[who].append((id_, sequence, points, balance))
        self.log.clear()

    def _points(self, rule: Rule, spent: Any) -> int:
        if rule.every is None:
            return rule.points
        return int(spent // rule.every) * rule.points if isinstance(spent, int | float) else 0

    def _balance(self, who: str, program: str) -> int:
        rules = (id_ for id_, rule in self.rules.items() if rule.program == program)
        mine = set(rules)
        return sum(points for id_, _, points, _ in self.ledger[who] if id_ in mine)

    def kept(self, who: str) -> Iterator[Entry]:
        """What the program has of a customer, in the order of time."""
        customer = self.club.api.stored(who)["_id"]
        found = self.club.api.database.ledger.find({"customerId": customer})
        for row in found.sort([("at", 1), ("_id", 1)]):
            sequence = int(str(row["transitionId"]), 16)
            yield f"ear_{row['ruleId']}", sequence, row["points"], row["balance"]

    def check(self) -> None:
        """The ledger is the model's, and what customers have is its sum."""
        for who in self.spent:
            assert list(self.kept(who)) == self.ledger[who]
            document: Json = self.club.api.stored(who)
            points = sum(entry[2] for entry in self.ledger[who])
            assert (document.get("loyalty") or {}).get("points", 0) == points


def earn_until_killed(settings: Settings, commands: int) -> None:
    """A worker that falls dead as it says so many things to MongoDB; or ends when all is done."""
    monitoring.register(_Killer(commands))
    asyncio.run(_earn(settings))


async def _earn(settings: Settings) -> None:
    store = Store.connect(settings)
    loyalty = earner(store, max_batch=16)
    while await loyalty.run_once():
        pass
    await store.close()


def earner(store: Store, max_batch: int) -> ConsumerRunner:
    """The loyalty consumer of another process."""
    earning = Earning(store, lambda: datetime.now(UTC))
    return ConsumerRunner(store, Consumer.LOYALTY, earning.handle, max_batch)


class _Killer(monitoring.CommandListener):
    def __init__(self, commands: int) -> None:
        self._left = commands

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        pass

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        pass
