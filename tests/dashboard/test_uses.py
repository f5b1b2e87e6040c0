"""What acts by segments, in a browser: validation rules with a bench, and distributions."""

import asyncio
from datetime import UTC, datetime

import pytest
from selenium.webdriver import Keys

from app.domain.deliveries import Delivery, DeliveryStatus, NewDelivery, WebhookRequest
from app.domain.ids import EntityKind
from app.settings import Settings
from app.store import Store
from app.store.ids import new_id
from tests.dashboard.conftest import SETUP_SECONDS
from tests.dashboard.dashboard import (
    WEBHOOK_URL,
    Dashboard,
    choose,
    disconnect_api,
    reconnect_api,
    replace_text,
    select,
)

pytestmark = pytest.mark.timeout(SETUP_SECONDS)

ANNA = {"attribute": {"path": "name", "operator": "IS", "value": "Anna"}}
CREATE_POOL = """
mutation {
  codePoolCreate(input: {name: "Gifts", codes: ["A"]}) { userErrors { message } }
}
"""
UPDATE_DISTRIBUTION = """
mutation($id: ID!, $input: DistributionUpdateInput!) {
  distributionUpdate(id: $id, input: $input) { userErrors { message } }
}
"""
READ_DISTRIBUTION = """
query($id: ID!) { node(id: $id) { ... on Distribution { name maxPerCustomer } } }
"""
LOSE_CREATION = """
const fetchData = window.fetch;
window.fetch = async (url, options) => {
  const response = await fetchData(url, options);
  if (!options.body.includes("distributionCreate")) return response;
  window.fetch = fetchData;
  throw new TypeError("The connection is lost.");
};
"""
"""Lets the page not get the response to the first request that creates a distribution."""


@pytest.fixture
def segment_id(dashboard: Dashboard) -> str:
    dashboard.create_customers("anna", name="Anna")
    dashboard.create_customers("ben", name="Ben")
    return dashboard.create_segment("Annas", {"filter": ANNA})


@pytest.mark.usefixtures("segment_id")
def test_a_rule_is_made_tried_edited_and_deleted(dashboard: Dashboard) -> None:
    dashboard.open("/app/segments")
    dashboard.click("a", "Validation rules")
    dashboard.wait_for("There are no rules yet.")
    dashboard.check_accessibility()
    dashboard.find("input", "Name").send_keys("Discount")
    choose(dashboard, "Members of the segment", "annas")
    dashboard.find("input", "Message when refused").send_keys("Only for Annas")
    dashboard.press(Keys.ENTER)
    dashboard.wait_for("1 rule\n")

    choose(dashboard, "Customer", "ben")
    dashboard.wait_for("Ben may not use it. Only for Annas")
    dashboard.wait_for("has Ben")
    dashboard.check_appearance()
    choose(dashboard, "Customer", "anna")
    dashboard.wait_for("Anna may use it.")

    dashboard.create_segment("Bens", {"filter": {"none": [ANNA]}})
    dashboard.click("button", "Edit Discount")
    dashboard.wait_until(lambda: dashboard.focused().text == "Edit “Discount”", "the heading")
    dashboard.check_accessibility()
    (name, _) = dashboard.browser.find_elements("css selector", "form input:required")
    replace_text(name, "Gift")
    choose(dashboard, "Members of another segment", "bens")
    dashboard.click("button", "Save the rule")
    dashboard.wait_for("Anna may not use it. Only for Annas")
    assert dashboard.focused().tag_name == "h1"

    dashboard.find("button", "Delete Gift").send_keys(Keys.ENTER)
    dashboard.wait_for("Delete “Gift”?")
    dashboard.click("button", "Delete the rule")

    dashboard.wait_for("There are no rules yet.")
    assert dashboard.focused().tag_name == "h1"
    dashboard.check_browser_logs()


def test_a_page_says_that_the_server_does_not_answer(dashboard: Dashboard) -> None:
    dashboard.open("/app/rules")
    dashboard.wait_for("There are no rules yet.")
    disconnect_api(dashboard)
    dashboard.click("a", "Loyalty")
    dashboard.wait_for("The server does not answer. Check that it runs.")
    dashboard.check_accessibility()
    reconnect_api(dashboard)

    dashboard.click("button", "Try again")

    dashboard.wait_for("There are no loyalty programs yet.")


def test_a_distribution_is_paused_tested_and_retried(
    dashboard: Dashboard, segment_id: str, settings: Settings
) -> None:
    distribution_id = dashboard.create_distribution(segment_id)
    customer_id = dashboard.execute('{ customer(ref: {sourceId: "anna"}) { id } }')["id"]
    asyncio.run(add_failed_deliveries(settings, distribution_id, customer_id))
    dashboard.open(f"/app/segments/{segment_id}/uses")
    dashboard.click("a", "Welcome")
    dashboard.wait_for(f"a webhook to {WEBHOOK_URL}")
    dashboard.wait_for("The receiver answered 503")
    dashboard.check_accessibility()
    dashboard.click("button", "Pause")
    dashboard.wait_for("○ Paused")
    dashboard.click("button", "Set live")
    dashboard.wait_for("● Live")

    dashboard.click("button", "Send again")
    dashboard.wait_for("Send all failed ones again (1)")
    select(dashboard, "Deliveries", "Pending (1)")
    dashboard.wait_for("1 delivery shown")
    dashboard.click("button", "Send all failed ones again (1)")
    dashboard.wait_for("2 deliveries shown")
    choose(dashboard, "Customer whose data is sent", "anna")
    dashboard.click("button", "Send the test")
    dashboard.wait_for("The test is not delivered:")
    dashboard.check_accessibility()

    dashboard.click("a", "Distributions")

    dashboard.wait_for("1 distribution\n")
    dashboard.check_appearance()
    dashboard.check_browser_logs()


@pytest.mark.usefixtures("segment_id")
def test_a_distribution_is_created_once_although_a_response_is_lost(dashboard: Dashboard) -> None:
    dashboard.open("/app/distributions")
    dashboard.wait_for("There are no distributions yet.")
    dashboard.find("input", "Name").send_keys("Welcome")
    choose(dashboard, "Segment", "annas")
    dashboard.find("input", "Address of the webhook").send_keys(WEBHOOK_URL)
    dashboard.browser.execute_script(LOSE_CREATION)
    dashboard.click("button", "Create the distribution")
    dashboard.wait_for("The server does not answer.")

    dashboard.click("button", "Create the distribution")

    dashboard.wait_for("1 distribution\n")
    assert dashboard.find("input", "Name").get_attribute("value") == ""
    assert dashboard.execute("{ distributions { name } }") == [{"name": "Welcome"}]


def test_an_edit_keeps_what_others_have_changed(dashboard: Dashboard, segment_id: str) -> None:
    id_ = dashboard.create_distribution(segment_id)
    dashboard.open(f"/app/distributions/{id_}")
    dashboard.click("button", "Edit")
    theirs = {"name": "Their name"}
    dashboard.execute(UPDATE_DISTRIBUTION, id=id_, input=theirs)
    dashboard.wait_for("Their name")

    dashboard.find("input", "Limit per customer").send_keys("3")
    dashboard.click("button", "Save")

    dashboard.wait_for("at most 3 times for a customer")
    distribution = dashboard.execute(READ_DISTRIBUTION, id=id_)
    assert distribution == {"name": "Their name", "maxPerCustomer": 3}


def test_a_distribution_makes_its_segment_active(dashboard: Dashboard, segment_id: str) -> None:
    dashboard.open("/app/distributions")
    dashboard.wait_for("There are no distributions yet.")
    dashboard.find("input", "Name").send_keys("Welcome")
    choose(dashboard, "Segment", "annas")
    dashboard.wait_for("This makes “Annas” active for good")
    dashboard.find("input", "Address of the webhook").send_keys(WEBHOOK_URL)
    dashboard.check_accessibility()
    dashboard.click("button", "Create the distribution")

    dashboard.wait_for("The signing secret of “Welcome” is shown only now: whsec_")
    assert dashboard.focused() == dashboard.find("button", "Create the distribution")
    assert dashboard.is_off("button", "Create the distribution")
    dashboard.click("button", "Copy the secret")
    dashboard.wait_until(
        lambda: "secret is copied." in dashboard.text() or "select the secret." in dashboard.text()
    )
    dashboard.wait_for("1 distribution\n")
    dashboard.check_accessibility()
    select(dashboard, "Channel", "Email")
    dashboard.find("input", "Name").send_keys("Goodbye")
    choose(dashboard, "Segment", "annas")
    select(dashboard, "When a customer", "leaves")
    dashboard.find("input", "Subject").send_keys("Goodbye, {{customer.name}}")
    dashboard.find("textarea", "Text").send_keys("Come back.")
    dashboard.check_accessibility()
    dashboard.click("button", "Create the distribution")
    dashboard.wait_for("Emails need a server")
    select(dashboard, "Channel", "Webhook")
    dashboard.find("input", "Address of the webhook").send_keys(WEBHOOK_URL)
    dashboard.find("textarea", "Headers, one per line").send_keys("X-Shop: 7")
    dashboard.click("button", "Create the distribution")
    dashboard.wait_for("2 distributions\n")
    dashboard.click("a", "Goodbye")
    dashboard.wait_for(
        f"When a customer leaves Annas: a webhook to {WEBHOOK_URL} with the headers X-Shop\n"
    )
    dashboard.open(f"/app/segments/{segment_id}")
    dashboard.wait_for("● Active")


def test_a_distribution_is_edited_and_deleted(dashboard: Dashboard, segment_id: str) -> None:
    dashboard.execute(CREATE_POOL)
    distribution_id = dashboard.create_distribution(segment_id, headers={"X-Shop": "7"})
    dashboard.open(f"/app/distributions/{distribution_id}")
    dashboard.click("button", "Edit")
    assert dashboard.focused() == dashboard.find("input", "Name")
    replace_text(dashboard.focused(), "Hello")
    select(dashboard, "With a code of", "Gifts (1 code left)")
    dashboard.find("input", "Limit per customer").send_keys("2")
    dashboard.click("input", "Change how it is sent")
    dashboard.wait_for("Type the headers again, or they are removed: X-Shop.")
    dashboard.find("textarea", "Headers, one per line").send_keys("Bearer abc")
    dashboard.click("button", "Save")
    dashboard.wait_for("“Bearer abc” is no header")
    dashboard.check_accessibility()
    replace_text(dashboard.find("textarea", "Headers, one per line"), "X-Key: abc")
    dashboard.click("button", "Save")

    dashboard.wait_for(
        f"a webhook to {WEBHOOK_URL} with the headers X-Key, with a code of Gifts (1 code left), "
        "at most 2 times for a customer"
    )
    assert dashboard.focused().text == "Hello"
    dashboard.click("button", "New secret")
    dashboard.wait_for("is shown only now: whsec_")
    dashboard.check_appearance()
    dashboard.click("button", "Delete Hello")
    dashboard.click("button", "Delete the distribution")
    dashboard.wait_for("There are no distributions yet.")
    dashboard.check_browser_logs()


async def add_failed_deliveries(settings: Settings, distribution_id: str, customer_id: str) -> None:
    """Adds two deliveries as the sender leaves them after the last attempt."""
    store = Store.connect(settings)
    deliveries = [
        Delivery(
            id=new_id(EntityKind.DELIVERY),
            distribution_id=distribution_id,
            customer_id=customer_id,
            transition_id=None,
            status=DeliveryStatus.FAILED,
            created_at=datetime(2026, 1, day, tzinfo=UTC),
            attempts=13,
            last_error="The receiver answered 503",
        )
        for day in (1, 2)
    ]
    request = WebhookRequest(WEBHOOK_URL, {}, b"{}")
    await store.deliveries.insert([NewDelivery(delivery, request) for delivery in deliveries])
    await store.close()
