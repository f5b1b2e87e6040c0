"""The sample shop is loaded through the services, completely, and only once."""

import pytest
import pytest_asyncio

from app.domain.inputs import CustomerRef
from app.domain.metadata import DefinitionState
from app.domain.segments import SegmentKind
from app.errors import SetupError
from app.local.mongod import Mongod
from app.local.valkey import Valkey
from app.services.sample import load, load_into, shop
from app.services.sample.segments import find_segment
from app.services.sample.shop import CUSTOMER_COUNT, source_id
from tests.api import Api, running_api

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def load_summary(api: Api) -> str:
    return await load_into(api.settings)


async def test_it_reports_what_it_loaded(api: Api, load_summary: str) -> None:
    counts = {
        name: api.database[name].count_documents({})
        for name in ("customers", "orders", "events", "segments")
    }

    assert counts["customers"] == CUSTOMER_COUNT
    assert load_summary == (
        f"The sample shop is loaded: {counts['customers']:,} customers,"
        f" {counts['orders']:,} orders, {counts['events']:,} events,"
        f" {counts['segments']} segments, a validation rule, a code pool and a referral"
        " program"
    )


async def test_its_validation_rule_holds_for_some(api: Api, load_summary: str) -> None:
    (rule,) = await api.services.validation_rules.all()
    pools = {pool.name: pool for pool in await api.services.code_pools.all()}
    now, customer_refs = (
        api.services.now(),
        (CustomerRef.by_source_id(source_id(n)) for n in (1, 2)),
    )
    validations = [
        await api.services.validation_rules.validate(rule.id, ref, None, now)
        for ref in customer_refs
    ]
    assert sorted(validation.is_valid for validation in validations) == [False, True]
    assert pools["Spring discount"].available_count == 500


async def test_it_has_segments_of_each_kind_with_members_and_others(
    api: Api, load_summary: str
) -> None:
    segments = list((await api.services.definitions.latest()).segments.values())

    assert {segment.kind for segment in segments} >= {SegmentKind.PASSIVE, SegmentKind.STATIC}
    for segment in segments:
        count = await api.services.segment_members.count(segment, api.services.now())
        assert 0 < count < CUSTOMER_COUNT, segment.name


async def test_its_metadata_is_defined(api: Api, load_summary: str) -> None:
    definitions = (await api.services.definitions.latest()).metadata_schema.definitions

    assert {"vip", "plan", "tags", "signupDate", "favouriteStore"} <= definitions.keys()
    assert {definition.state for definition in definitions.values()} == {DefinitionState.READY}


async def test_it_has_a_referral_program(api: Api, load_summary: str) -> None:
    (program,) = await api.services.referrals.programs()

    assert [tier.min_referrals for tier in program.tiers] == [1, 5]
    assert program.tiers[1].segment_id is not None


@pytest.mark.parametrize("name", ["order", "visit", "newsletter_opened", "product_viewed"])
@pytest.mark.parametrize("window", ["P1D", "P30D", "P365D"])
async def test_something_has_just_happened(
    api: Api, load_summary: str, name: str, window: str
) -> None:
    wire = {"event": {"name": name, "within": {"last": window}}}

    previews = api.services.previews

    preview = await previews.parse(wire, api.services.now())

    assert await previews.query(preview).count() > 0


async def test_loading_again_changes_nothing(api: Api, load_summary: str) -> None:
    # Fences count transactions, not what they change.
    before = {name: rows for name, rows in api.dump().items() if name != "counters"}

    assert await load(api.services) == load_summary

    assert {name: rows for name, rows in api.dump().items() if name != "counters"} == before


async def test_loading_again_restores_what_is_missing(
    mongod: Mongod, valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shop, "CUSTOMER_COUNT", 100)
    async with running_api(mongod, valkey) as api:
        await load(api.services)
        segment = await find_segment(api.services, "Gone quiet")
        await api.services.segments.delete(segment.id)

        await load(api.services)

        assert await find_segment(api.services, "Gone quiet")


async def test_a_shop_with_other_customers_does_not_get_the_sample(
    mongod: Mongod, valkey: Valkey
) -> None:
    async with running_api(mongod, valkey) as api:
        await api.upsert("mine")
        before = api.dump()

        with pytest.raises(SetupError, match="already has customers"):
            await load(api.services)

        assert api.dump() == before
