"""Referral programs in a browser, with tiers of both rewards."""

import pytest
from selenium.webdriver import Keys

from tests.dashboard.conftest import SETUP_SECONDS
from tests.dashboard.dashboard import Dashboard, choose, select

pytestmark = pytest.mark.timeout(SETUP_SECONDS)

ANNA = {"attribute": {"path": "name", "operator": "IS", "value": "Anna"}}
PREPARE = """
mutation {
  loyaltyProgramCreate(input: {name: "Club"}) { userErrors { message } }
  codePoolCreate(input: {name: "Gifts", codes: ["A", "B"]}) { userErrors { message } }
}
"""


def test_a_program_is_created_and_deleted(dashboard: Dashboard) -> None:
    for payload in dashboard.request(PREPARE).values():
        assert not payload["userErrors"], payload
    segment_id = dashboard.create_segment("Annas", {"filter": ANNA})
    dashboard.open("/app/segments")
    dashboard.click("a", "Referrals")
    dashboard.wait_for("There are no referral programs yet.")
    dashboard.check_accessibility()
    dashboard.find("input", "Name of the program").send_keys("Friends")
    dashboard.find("input", "Name of tier 1").send_keys("One")
    dashboard.find("input", "Referrals").send_keys("1")
    dashboard.find("input", "Points").send_keys("50")
    select(dashboard, "Loyalty program", "Club")

    for _ in range(2):
        dashboard.find("button", "Add a tier").send_keys(Keys.ENTER)
    assert dashboard.focused() == dashboard.find("input", "Name of tier 3")
    dashboard.find("button", "Remove tier 1").send_keys(Keys.ENTER)
    assert dashboard.focused() == dashboard.find("button", "Remove tier 1")
    dashboard.find("button", "Remove tier 2").send_keys(Keys.ENTER)
    assert dashboard.focused().text == "Add a tier"
    assert not dashboard.browser.find_elements("xpath", "//button[.='Remove']")
    fill_code_tier(dashboard)
    dashboard.check_appearance()
    dashboard.click("button", "Create the program")

    dashboard.wait_for("1 tier\n")
    assert dashboard.focused().tag_name == "h1"
    row = dashboard.browser.find_element("css selector", "tbody tr").text
    assert row == "Five 5 a code of Gifts Annas"
    dashboard.check_accessibility()
    dashboard.open(f"/app/segments/{segment_id}/uses")
    dashboard.wait_for("● Active")
    dashboard.click("a", "Five")
    dashboard.click("button", "Delete Friends")
    dashboard.click("button", "Delete the program")
    dashboard.wait_for("There are no referral programs yet.")
    dashboard.check_browser_logs()


def fill_code_tier(dashboard: Dashboard) -> None:
    """Fills the only tier in, whose reward is a code."""
    dashboard.find("input", "Name of tier 1").send_keys("Five")
    dashboard.find("input", "Referrals").send_keys("5")
    select(dashboard, "Reward", "A code")
    select(dashboard, "Code pool", "Gifts (2 codes left)")
    choose(dashboard, "Only for members of", "annas")
    dashboard.wait_for("This makes “Annas” active for good")
