"""Loyalty in a browser: programs, earning rules, and the points of a customer."""

import pytest
from selenium.webdriver import Keys

from tests.dashboard.conftest import SETUP_SECONDS
from tests.dashboard.dashboard import Dashboard, choose, replace_text, select

pytestmark = pytest.mark.timeout(SETUP_SECONDS)

ANNA = {"attribute": {"path": "name", "operator": "IS", "value": "Anna"}}


def test_rules_and_points(dashboard: Dashboard) -> None:
    dashboard.create_customers("anna", name="Anna")
    segment_id = dashboard.create_segment("Annas", {"filter": ANNA})
    dashboard.open("/app/segments")
    dashboard.click("a", "Loyalty")
    dashboard.wait_for("There are no loyalty programs yet.")
    dashboard.check_accessibility()
    dashboard.find("input", "Name of the program").send_keys("Club")
    dashboard.click("button", "Create the program")
    dashboard.wait_for("The program has no earning rules yet.")

    create_rule(dashboard)
    dashboard.wait_for("2 points for every 10 of metadata.spent, at most 3 times")
    dashboard.wait_for("● Active")
    dashboard.click("button", "Pause Big spender")
    dashboard.wait_for("○ Paused")
    dashboard.click("button", "Activate Big spender")
    dashboard.wait_for("● Active")

    adjust_points(dashboard)
    dashboard.check_appearance()
    dashboard.click("a", "Anna")
    dashboard.click("a", "Points")
    dashboard.wait_for("5 points in all programs")
    dashboard.wait_for("Refund")
    dashboard.check_accessibility()

    dashboard.open(f"/app/segments/{segment_id}/uses")
    dashboard.wait_for("● Active")
    dashboard.click("a", "Big spender")
    delete_all(dashboard)
    dashboard.check_browser_logs()


def create_rule(dashboard: Dashboard) -> None:
    """Creates a rule, after it was refused for a path that is none."""
    dashboard.find("input", "Name of the rule").send_keys("Big spender")
    choose(dashboard, "When a customer enters", "annas")
    dashboard.wait_for("This makes “Annas” active for good: its filter can’t be edited then.")
    dashboard.find("input", "Points").send_keys("2")
    select(dashboard, "For", "each step of a number in metadata")
    dashboard.find("input", "Step").send_keys("10")
    dashboard.find("input", "Number").send_keys("spent")
    dashboard.find("input", "Limit per customer").send_keys("3")
    dashboard.check_accessibility()
    dashboard.click("button", "Create the rule")
    dashboard.wait_for("UNKNOWN_ATTRIBUTE")
    replace_text(dashboard.find("input", "Number"), "metadata.spent")
    dashboard.click("button", "Create the rule")


def adjust_points(dashboard: Dashboard) -> None:
    """Gives points to Anna, and takes some of them."""
    choose(dashboard, "Customer", "anna")
    dashboard.wait_for("The customer has not got any points yet.")
    dashboard.find("input", "Reason").send_keys("Typing error")
    for fraction in ("1,5", "1.5"):
        replace_text(dashboard.find("input", "Points to add"), fraction)
        dashboard.click("button", "Adjust the points")
        dashboard.wait_for("Write a whole number, like 1500 or 1,500.")
    dashboard.check_accessibility()
    dashboard.find("input", "Points to add").send_keys(Keys.CONTROL, "a", Keys.DELETE)
    dashboard.find("input", "Reason").send_keys(Keys.CONTROL, "a", Keys.DELETE)
    for points, reason in (("7", "Birthday"), ("-9", "Refund")):
        dashboard.find("input", "Points to add").send_keys(points)
        dashboard.find("input", "Reason").send_keys(reason)
        dashboard.click("button", "Adjust the points")
        dashboard.wait_for(reason if points == "7" else "The balance is 7")
    replace_text(dashboard.find("input", "Points to add"), "-2")
    dashboard.click("button", "Adjust the points")
    dashboard.wait_for("5 points in all programs")
    dashboard.wait_for("−2")


def delete_all(dashboard: Dashboard) -> None:
    """Deletes the program, after it was refused because of its rule."""
    dashboard.click("button", "Delete Club")
    dashboard.wait_for("It can’t be deleted while these use it:")
    dashboard.click("button", "Close")
    dashboard.click("button", "Delete Big spender")
    dashboard.click("button", "Delete the rule")
    dashboard.wait_for("The program has no earning rules yet.")
    assert dashboard.focused().tag_name == "h1"
    dashboard.click("button", "Delete Club")
    dashboard.click("button", "Delete the program")
    dashboard.wait_for("There are no loyalty programs yet.")
