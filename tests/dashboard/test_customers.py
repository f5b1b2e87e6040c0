"""Customers in a browser: found, filtered, and one of them with segments and timeline."""

import pytest
from selenium.webdriver import Keys

from tests.dashboard.conftest import SETUP_SECONDS
from tests.dashboard.dashboard import Dashboard, choose, select

pytestmark = pytest.mark.timeout(SETUP_SECONDS)

ANNA = {"attribute": {"path": "name", "operator": "IS", "value": "Anna"}}
LATELY = {"attribute": {"path": "createdAt", "operator": "WITHIN_LAST", "value": "P30D"}}
VIP = {"attribute": {"path": "metadata.tier", "operator": "IS", "value": "gold"}}
# Dots and slashes are part of the address of the customer.
ANNA_ID = "shop.7/anna"
ORDER = """
mutation($order: OrderInput!, $event: EventInput!) {
  ordersUpsert(inputs: [$order]) { accepted }
  eventsTrack(inputs: [$event]) { accepted }
}
"""


@pytest.fixture(autouse=True)
def customers(dashboard: Dashboard) -> None:
    dashboard.create_customers(
        ANNA_ID, name="Anna", email="anna@shop.example", metadata={"tier": "silver"}
    )
    dashboard.create_customers("ben", name="Ben")


def test_customers_are_searched_and_filtered(dashboard: Dashboard) -> None:
    dashboard.open("/app/segments")
    dashboard.click("a", "Customers")
    dashboard.wait_for("2 customers")
    dashboard.check_accessibility()
    dashboard.click("summary", "Filter")
    choose(dashboard, "Attribute", "Name")
    select(dashboard, "Operator", "is")
    dashboard.find("input", "Value").send_keys("Ben")
    dashboard.wait_for("1 customer\n")
    dashboard.check_appearance()
    dashboard.find("input", "Name, email, phone or source id").send_keys("anna")
    dashboard.wait_for("No customer is found.")
    dashboard.wait_until(lambda: "search=anna#f=" in dashboard.browser.current_url)
    dashboard.browser.refresh()
    dashboard.wait_for("No customer is found.")
    dashboard.find("input", "Name, email, phone or source id").clear()

    dashboard.click("a", "Save the filter as a segment")

    dashboard.find("input", "Name").send_keys("Bens")
    dashboard.wait_for("1 customer\n")
    dashboard.click("button", "Save")
    dashboard.wait_for("1 member")
    dashboard.check_browser_logs()


def test_the_search_keeps_what_is_typed(dashboard: Dashboard) -> None:
    text = "a%2Fb + 100% & ä"
    dashboard.create_customers(text, "a/b")
    dashboard.open("/app/customers")
    field = dashboard.find("input", "Name, email, phone or source id")

    field.send_keys(text)

    dashboard.wait_for("1 customer\n")
    assert field.get_attribute("value") == text
    dashboard.browser.refresh()
    dashboard.wait_for("1 customer\n")
    assert dashboard.find("a", text).is_displayed()


def test_a_customer_is_explained(dashboard: Dashboard) -> None:
    segments = {"Annas": ANNA, "New": LATELY, "Gold": VIP}
    for name, filter_ in segments.items():
        dashboard.create_segment(name, {"filter": filter_})
    dashboard.open("/app/customers")
    dashboard.click("a", "Anna")
    dashboard.wait_for("anna@shop.example")
    dashboard.wait_for("silver")
    assert dashboard.browser.current_url.endswith("/app/customers/shop.7%2Fanna")
    dashboard.check_accessibility()

    dashboard.click("a", "Memberships")
    dashboard.wait_for("In: 2 segments")
    dashboard.wait_for("Not in: 1 segment")
    dashboard.wait_for("if nothing else changes.")
    for summary in dashboard.browser.find_elements("css selector", "summary"):
        summary.click()
    dashboard.wait_for("has silver")
    dashboard.wait_for("has Anna")
    dashboard.check_appearance()

    dashboard.click("a", "What if")
    select(dashboard, "Attribute", "metadata.tier")
    dashboard.find("input", "New value").send_keys("gold")
    dashboard.wait_for("Would enter: 1 segment")
    dashboard.wait_for("Would leave: 0 segments")
    dashboard.check_accessibility()
    dashboard.check_browser_logs()


def test_a_row_of_a_member_leads_to_the_reason(dashboard: Dashboard) -> None:
    dashboard.create_segment("All", {"filter": {"none": [{"all": [ANNA, VIP]}]}})
    segment_id = dashboard.create_segment("Annas", {"filter": ANNA})
    dashboard.open(f"/app/segments/{segment_id}")

    dashboard.click("a", "Why? Anna")

    dashboard.wait_for("has Anna")
    opened = dashboard.browser.find_elements("css selector", "details[open]")
    assert [details.text.split("\n")[0] for details in opened] == ["Why"]
    dashboard.wait_until(lambda: dashboard.focused().tag_name == "summary", "the focus")
    row = dashboard.focused().find_element("xpath", "ancestor::tr")
    assert row.text.startswith("Annas")
    dashboard.check_accessibility()
    dashboard.press(Keys.ENTER)
    dashboard.wait_until(lambda: "has Anna" not in dashboard.text())


def test_the_timeline_shows_what_happened(dashboard: Dashboard) -> None:
    ref = {"sourceId": ANNA_ID}
    at = "2026-01-02T03:04:05Z"
    items = [{"sku": "mug", "amount": 1200, "quantity": 2}]
    response = dashboard.request(
        ORDER,
        order={"sourceId": "o-1", "customer": ref, "amount": 2400, "at": at, "items": items},
        event={"customer": ref, "name": "visit", "properties": {"page": "home"}, "at": at},
    )
    assert response == {"ordersUpsert": {"accepted": 1}, "eventsTrack": {"accepted": 1}}
    dashboard.open("/app/customers/shop.7%2Fanna/timeline")

    dashboard.wait_for("o-1: 2,400, paid")
    dashboard.wait_for("2 × mug")
    dashboard.wait_for("page: home")
    select(dashboard, "Kind", "Order")
    dashboard.wait_for("1 entry of this kind among the newest 2")
    assert "page: home" not in dashboard.text()
    dashboard.check_appearance()
    dashboard.open("/app/customers/nobody")
    dashboard.wait_for("There is no such page")
