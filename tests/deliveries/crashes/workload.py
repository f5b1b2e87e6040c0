"""Customers who enter and leave two segments, and all that these segments set off."""

import asyncio
import random
from typing import Any

from bson import ObjectId

from app.domain.ids import EntityKind
from app.store.ids import to_object_id
from tests.api import Api
from tests.deliveries.crashes.faults import FaultProgress
from tests.deliveries.distribution_client import DistributionClient
from tests.deliveries.receiver import Receiver
from tests.deliveries.test_codes import ADD_CODES, create_pool
from tests.engine.model.conditions import attribute
from tests.referral_client import ReferralClient, points_reward, tier_input

Json = dict[str, Any]

# One turn makes one transition of each of these.
CHANGING_CUSTOMERS = 50
# They stay as they are: rewarded by the baseline, or not at all.
_STEADY_CUSTOMERS = 10
_REFEREES_PER_REFERRER = 2
_KEYS = ("gold", "vip")
_ROWS_PER_CALL = 10
_CODES_PER_CALL = 5_000
_SPARE_CODES = 100


class Workload:
    """Changes customers and records referrals through the API.

    Both segments have a distribution for those who enter, with codes, one for those who leave, and
    an earning rule. One of them also has referral tiers. All codes come from one pool.
    """

    def __init__(self, api: Api, rng: random.Random, receiver: Receiver) -> None:
        self._api = api
        self._rng = rng
        self._receiver = receiver
        self._distributions = DistributionClient(api)
        self._referrals = ReferralClient(api)
        names = [f"c{number}" for number in range(CHANGING_CUSTOMERS + _STEADY_CUSTOMERS)]
        self._changing_names = names[:CHANGING_CUSTOMERS]
        self._metadata = {
            name: {"gold": number % 2 == 1, "vip": number % 3 == 0}
            for number, name in enumerate(names)
        }
        self._referral_program = ""
        # The segments and customers that are members at the activation.
        self.baseline: set[tuple[ObjectId, ObjectId]] = set()

    async def create_initial_data(self, turns: int) -> None:
        """Creates the customers and definitions, with enough codes for this many turns."""
        client, names = self._distributions, [*self._metadata]
        await self._save(names)
        referees = [referee for name in names for referee in _referees_of(name)]
        await self._api.bulk_upsert("customersUpsert", [{"sourceId": name} for name in referees])
        pool = await create_pool(client)
        code_count = turns * CHANGING_CUSTOMERS + len(names) + _SPARE_CODES
        codes = [f"CODE {number}" for number in range(code_count)]
        for start in range(0, code_count, _CODES_PER_CALL):
            await client.change(ADD_CODES, id=pool, codes=codes[start : start + _CODES_PER_CALL])
        club = await client.create_program("Club")
        segments = {}
        for key in _KEYS:
            condition = attribute(f"metadata.{key}", "IS", True)
            segments[key] = segment = await client.create_segment(key, filter=condition)
            for on, fields in (("ENTERED", {"codePoolId": pool}), ("LEFT", {})):
                url = self._receiver.url(f"/{key}/{on}")
                await client.create(segment, url, on=on, **fields)
            await client.create_rule(club, segment, 10)
        program = await self._referrals.create_program(
            tier_input("Gold", 1, segments["gold"], points=points_reward(club)),
            tier_input("Two", 2, points=points_reward(club)),
            tier_input("Gold code", 2, segments["gold"], codePoolId=pool),
        )
        self._referral_program = program["id"]
        self.baseline = {
            (
                ObjectId(to_object_id(EntityKind.SEGMENT, segments[key])),
                self._api.read_customer_document(name)["_id"],
            )
            for name, metadata in self._metadata.items()
            for key in _KEYS
            if metadata[key]
        }

    async def change_members(self, turns: int, faults: FaultProgress) -> None:
        """Moves each changing customer into or out of a random segment, once in each turn. Spreads
        the turns over the faults."""
        for turn in range(turns):
            await faults.wait_for_share(turn / turns)
            for name in self._changing_names:
                key = self._rng.choice(_KEYS)
                self._metadata[name][key] = not self._metadata[name][key]
            await self._save(self._rng.sample(self._changing_names, CHANGING_CUSTOMERS))

    async def record_referrals(self, faults: FaultProgress) -> None:
        """Records all referrals in random order. Spreads them over the faults."""
        calls = [(name, referee) for name in self._metadata for referee in _referees_of(name)]
        self._rng.shuffle(calls)
        for number, (name, referee) in enumerate(calls):
            await faults.wait_for_share(number / len(calls))
            await self._referrals.record(self._referral_program, name, referee)

    async def _save(self, names: list[str]) -> None:
        """Saves these customers, a few in each of several concurrent calls."""
        rows = [{"sourceId": name, "metadata": self._metadata[name]} for name in names]
        calls = [
            self._api.bulk_upsert("customersUpsert", rows[start : start + _ROWS_PER_CALL])
            for start in range(0, len(rows), _ROWS_PER_CALL)
        ]
        for result in await asyncio.gather(*calls):
            assert not result["refused"], result


def _referees_of(name: str) -> list[str]:
    return [f"{name} referee {number}" for number in range(_REFEREES_PER_REFERRER)]
