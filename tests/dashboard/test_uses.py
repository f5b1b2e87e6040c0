"""What uses segments, in a browser: validation rules with a bench, and distributions."""

import pytest
from selenium.webdriver import Keys

from tests.dashboard.conftest import SETUP_SECONDS
from tests.dashboard.dashboard import Dashboard, choose

pytestmark = pytest.mark.timeout(SETUP_SECONDS)

ANNA = {"attribute": {"path": "name", "operator": "IS", "value": "Anna"}}
CREATE_DISTRIBUTION = """
mutation($input: DistributionInput!) {
  distributionCreate(input: $input) { userErrors { message } }
}
"""


@pytest.fixture
def segment_id(dashboard: Dashboard) -> str:
    dashboard.create_customers("anna", name="Anna")
    dashboard.create_customers("ben", name="Ben")
    return dashboard.create_segment("Annas", {"filter": ANNA})


@pytest.mark.usefixtures("segment_id")
def test_a_rule_is_made_tried_and_deleted(dashboard: Dashboard) -> None:
    dashboard.open("/app/segments")
    dashboard.click("a", "Validation rules")
    dashboard.wait_for("There are no rules yet.")
    dashboard.check_accessibility()
    dashboard.find("input", "Name").send_keys("Discount")
    choose(dashboard, "Members of the segment", "annas")
    dashboard.find("input", "Message to others").send_keys("Only for Annas")
    dashboard.press(Keys.ENTER)
    dashboard.wait_for("1 rule\n")

    choose(dashboard, "Customer", "ben")
    dashboard.wait_for("Ben may not use it. Only for Annas")
    dashboard.wait_for("has Ben")
    dashboard.check_accessibility()
    dashboard.use_dark_colours()
    dashboard.check_accessibility()
    dashboard.use_width(320)
    assert not dashboard.is_scrolled_sideways()
    choose(dashboard, "Customer", "anna")
    dashboard.wait_for("Anna may use it.")

    dashboard.find("button", "Delete Discount").send_keys(Keys.ENTER)

    dashboard.wait_for("There are no rules yet.")
    assert dashboard.focused().tag_name == "h1"
    dashboard.check_browser_logs()


def test_a_distribution_is_paused_and_set_live(dashboard: Dashboard, segment_id: str) -> None:
    dashboard.execute(
        CREATE_DISTRIBUTION,
        input={
            "name": "Welcome",
            "segmentId": segment_id,
            "channel": {"webhook": {"url": "https://shop.example/"}},
        },
    )
    dashboard.open(f"/app/segments/{segment_id}/uses")
    dashboard.click("a", "Welcome")
    dashboard.wait_for("a webhook to https://shop.example/")
    dashboard.wait_for("There are no deliveries.")
    dashboard.check_accessibility()
    dashboard.click("button", "Pause")
    dashboard.wait_for("○ Paused")
    dashboard.click("button", "Set live")
    dashboard.wait_for("● Live")

    dashboard.click("a", "Distributions")

    dashboard.wait_for("1 distribution\n")
    dashboard.check_accessibility()
    dashboard.use_dark_colours()
    dashboard.check_accessibility()
    dashboard.use_width(320)
    assert not dashboard.is_scrolled_sideways()
    dashboard.check_browser_logs()
