"""The dashboard asks for a key where the API needs one."""

import pytest
from selenium.webdriver import Keys

from app.domain.api_keys import Role
from tests.api import ALL_CUSTOMERS_FILTER
from tests.dashboard.conftest import SETUP_SECONDS, RoleKeys
from tests.dashboard.dashboard import Dashboard, replace_text

pytestmark = pytest.mark.timeout(SETUP_SECONDS)


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

    assert "UNAUTHENTICATED" not in dashboard.text()
    enter_key(dashboard, "wrong")
    dashboard.wait_for("The server did not accept this key.")
    dashboard.press("another", Keys.ENTER)
    assert dashboard.find("input", "Key").get_attribute("value") == "another"
    enter_key(dashboard, keys[Role.CHECK])
    dashboard.wait_for("A key with the role CHECK opens nothing here.")
    enter_key(dashboard, keys[Role.READ])

    dashboard.wait_for("Nothing uses this segment.")
    assert dashboard.browser.current_url.endswith(f"/app/segments/{segment_id}/uses")
    dashboard.browser.refresh()
    dashboard.wait_for("Nothing uses this segment.")
    assert "Delete" not in dashboard.text()
    for name in ("segments:draft:new", "segments:export-presets", "segments:member-columns"):
        dashboard.browser.execute_script("localStorage.setItem(arguments[0], '[]')", name)
    dashboard.click("button", "Forget the key")
    dashboard.wait_for("This server needs a key")
    assert dashboard.browser.execute_script("return localStorage.length") == 0


def test_the_address_may_have_the_key(
    locked_dashboard: tuple[Dashboard, RoleKeys],
) -> None:
    dashboard, keys = locked_dashboard
    dashboard.create_segment("Everybody", {"filter": ALL_CUSTOMERS_FILTER})
    dashboard.open("/app/segments?kind=PASSIVE#key=wrong")
    dashboard.wait_for("The server did not accept this key.")
    assert dashboard.browser.current_url == f"{dashboard.url}/app/segments?kind=PASSIVE"
    dashboard.check_accessibility()
    enter_key(dashboard, "another")
    dashboard.wait_for("The server did not accept this key.")
    dashboard.open(f"/app/#key={keys[Role.CHECK]}")
    dashboard.wait_for("A key with the role CHECK opens nothing here.")
    assert stored_keys(dashboard) == [None, None]

    dashboard.open(f"/app/#key={keys[Role.READ]}")

    dashboard.wait_for("Everybody")
    assert dashboard.browser.current_url == f"{dashboard.url}/app/segments"
    assert stored_keys(dashboard) == [keys[Role.READ], None]
    dashboard.browser.refresh()
    dashboard.wait_for("Everybody")
    assert "This server needs a key" not in dashboard.text()


def stored_keys(dashboard: Dashboard) -> list[str | None]:
    """Returns the key that this tab has stored, and the one that this browser has stored."""
    stored: list[str | None] = dashboard.browser.execute_script(
        "return [sessionStorage, localStorage].map((storage) => storage.getItem('segments:key'))"
    )
    return stored


def test_a_form_keeps_what_is_typed_when_the_key_expires(
    locked_dashboard: tuple[Dashboard, RoleKeys],
) -> None:
    dashboard, keys = locked_dashboard
    dashboard.open("/app/loyalty")
    enter_key(dashboard, keys[Role.ADMIN])
    dashboard.find("input", "Name of the program").send_keys("Club")
    dashboard.browser.execute_script("sessionStorage.setItem('segments:key', 'expired')")
    dashboard.click("button", "Create the program")
    dashboard.wait_for("This server needs a key")

    enter_key(dashboard, keys[Role.ADMIN])
    dashboard.wait_until(lambda: "This server needs a key" not in dashboard.text())
    dashboard.click("button", "Create the program")

    dashboard.wait_for("New earning rule")
    assert dashboard.execute("{ loyaltyPrograms { name } }") == [{"name": "Club"}]


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
