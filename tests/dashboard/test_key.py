"""The dashboard asks for a key where the API needs one."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from selenium.webdriver import Chrome, Keys

from app.domain.api_keys import Role
from app.main import create_app
from app.services.api_keys import ApiKeys
from app.settings import Settings
from app.store import Store
from tests.api import ALL_CUSTOMERS_FILTER
from tests.browser import server_in_thread
from tests.dashboard.conftest import SETUP_SECONDS, Workshop
from tests.dashboard.dashboard import Dashboard, replace_text

pytestmark = pytest.mark.timeout(SETUP_SECONDS)
RoleKeys = dict[Role, str]


async def create_keys(settings: Settings) -> RoleKeys:
    store = Store.connect(settings)
    keys = {
        role: (await ApiKeys(store).create(role, None, None, datetime.now(UTC)))[0]
        for role in (Role.ADMIN, Role.READ, Role.CHECK)
    }
    await store.close()
    return keys


@pytest.fixture
def locked_dashboard(
    workshop: Workshop, settings: Settings, browser: Chrome
) -> Iterator[tuple[Dashboard, RoleKeys]]:
    """The dashboard of a server that needs keys, and a key of each of three roles."""
    settings = settings.model_copy(update={"dashboard_bundle": workshop.bundle, "auth": "keys"})
    with server_in_thread(create_app(settings)) as url:
        keys = asyncio.run(create_keys(settings))
        yield Dashboard(url, browser, workshop.axe, keys[Role.ADMIN]), keys
        browser.get("about:blank")


def create_uses(dashboard: Dashboard) -> None:
    """Creates a code pool, a loyalty program and a referral program."""
    pool = dashboard.execute(
        'mutation { codePoolCreate(input: {name: "Gifts"}) { codePool { id } } }'
    )
    pool_id = pool["codePool"]["id"]
    tier = {"name": "One", "minReferrals": 1, "reward": {"codePoolId": pool_id}}
    payloads = dashboard.request(
        "mutation($program: ReferralProgramInput!) {"
        ' loyaltyProgramCreate(input: {name: "Club"}) { userErrors { message } }'
        " referralProgramCreate(input: $program) { userErrors { message } } }",
        program={"name": "Friends", "tiers": [tier]},
    )
    for payload in payloads.values():
        assert not payload["userErrors"], payload


def enter_key(dashboard: Dashboard, key: str) -> None:
    replace_text(dashboard.find("input", "Key"), key + Keys.ENTER)


def test_the_page_opens_with_a_key_and_keeps_its_place(
    locked_dashboard: tuple[Dashboard, RoleKeys],
) -> None:
    dashboard, keys = locked_dashboard
    segment_id = dashboard.create_segment("Everybody", {"filter": ALL_CUSTOMERS_FILTER})
    dashboard.open(f"/app/segments/{segment_id}/uses")
    dashboard.wait_for("This server needs a key")
    dashboard.check_accessibility()

    enter_key(dashboard, "wrong")
    dashboard.wait_for("The server did not accept this key.")
    enter_key(dashboard, keys[Role.CHECK])
    dashboard.wait_for("A key with the role CHECK opens nothing here.")
    enter_key(dashboard, keys[Role.READ])

    dashboard.wait_for("Nothing uses this segment.")
    assert dashboard.browser.current_url.endswith(f"/app/segments/{segment_id}/uses")
    dashboard.browser.refresh()
    dashboard.wait_for("Nothing uses this segment.")
    assert "Delete" not in dashboard.text()
    dashboard.browser.execute_script("localStorage.setItem('segments:draft:new', '{}')")
    dashboard.click("button", "Forget the key")
    dashboard.wait_for("This server needs a key")
    assert dashboard.browser.execute_script("return localStorage.length") == 0


def test_a_key_with_the_role_read_sees_nothing_that_writes(
    locked_dashboard: tuple[Dashboard, RoleKeys],
) -> None:
    dashboard, keys = locked_dashboard
    dashboard.create_segment("Everybody", {"filter": ALL_CUSTOMERS_FILTER})
    create_uses(dashboard)
    dashboard.open("/app/segments")
    enter_key(dashboard, keys[Role.READ])
    dashboard.wait_for("Everybody")
    dashboard.wait_for("Forget the key")
    assert "New segment" not in dashboard.text()
    dashboard.click("a", "Import")
    dashboard.wait_for("To import you need a key with the role WRITE.")
    assert "CSV file" not in dashboard.text().split("role WRITE.")[1]
    for page, text in (("Code pools", "Gifts"), ("Loyalty", "Club"), ("Referrals", "Friends")):
        dashboard.click("a", page)
        dashboard.wait_for(text)
        buttons = dashboard.browser.find_elements("css selector", "main button")
        assert {button.text for button in buttons} <= {"Find the customer"}

    dashboard.click("button", "Forget the key")
    enter_key(dashboard, keys[Role.ADMIN])

    dashboard.wait_for("New referral program")
    dashboard.click("a", "Segments")
    dashboard.wait_for("New segment")
