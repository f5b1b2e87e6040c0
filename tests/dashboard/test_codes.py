"""Code pools in a browser: created, filled, and who got a code."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from selenium.webdriver import Keys

from app.domain.codes import CODE_CHARACTERS
from app.domain.deliveries import Delivery, DeliveryStatus, NewDelivery, WebhookRequest
from app.domain.ids import EntityKind
from app.settings import Settings
from app.store import Store
from app.store.ids import new_id
from tests.burst_worker import run_burst_worker
from tests.dashboard.conftest import SETUP_SECONDS
from tests.dashboard.dashboard import WEBHOOK_URL, Dashboard, replace_text, select

pytestmark = pytest.mark.timeout(SETUP_SECONDS)

# A job generates so many.
GENERATED = 1_001
CREATE_POOL = """
mutation($input: CodePoolInput!) {
  codePoolCreate(input: $input) { codePool { id } userErrors { message } }
}
"""


def test_a_pool_is_generated_and_deleted(dashboard: Dashboard, settings: Settings) -> None:
    dashboard.open("/app/segments")
    dashboard.click("a", "Code pools")
    dashboard.wait_for("There are no code pools yet.")
    dashboard.check_accessibility()
    dashboard.find("input", "Name").send_keys("Spring")
    replace_text(dashboard.find("input", "Pattern"), "VIP-##")
    dashboard.wait_for("for example: VIP-")
    sample = dashboard.text().partition("for example: ")[2].partition("\n")[0].split(", ")
    assert {code[:4] for code in sample} == {"VIP-"}
    assert set("".join(code[4:] for code in sample)) <= set(CODE_CHARACTERS)
    dashboard.find("input", "Number of codes").send_keys(str(GENERATED), Keys.ENTER)
    dashboard.wait_for("The pattern is too short")
    replace_text(dashboard.find("input", "Pattern"), "VIP-####")
    dashboard.press(Keys.ENTER)

    dashboard.wait_for("Generating: 0 of 1,001")
    assert dashboard.focused().tag_name == "main"
    assert "Add codes" not in dashboard.text()
    dashboard.check_accessibility()
    asyncio.run(run_burst_worker(settings))
    dashboard.wait_for("1,001 of 1,001 codes left")
    dashboard.wait_for("Add codes")
    dashboard.click("button", "Delete")
    dashboard.wait_for("This can’t be undone.")
    dashboard.click("button", "Delete the code pool")

    dashboard.wait_for("There are no code pools yet.")
    dashboard.check_browser_logs()


def test_codes_are_added_and_found_again(
    dashboard: Dashboard, settings: Settings, tmp_path: Path
) -> None:
    dashboard.create_customers("anna", name="Anna")
    distribution_id = create_pool_with_distribution(dashboard)
    customer_id = dashboard.execute('{ customer(ref: {sourceId: "anna"}) { id } }')["id"]
    asyncio.run(add_delivery(settings, distribution_id, customer_id, code="FIRST"))
    dashboard.open("/app/codes")
    dashboard.wait_for("1 of 1 code left")
    dashboard.find("input", "Code").send_keys("first", Keys.ENTER)
    dashboard.wait_for("No customer has got first. Case counts.")
    replace_text(dashboard.find("input", "Code"), "FIRST" + Keys.ENTER)
    dashboard.wait_for("FIRST was given to:\nAnna")
    dashboard.check_appearance()

    dashboard.click("a", "Gifts")
    dashboard.find("textarea", "Codes, one per line").send_keys("NEW\nFIRST\nNEW")
    dashboard.click("button", "Add the codes")
    dashboard.wait_for("Line 2, “FIRST”: The pool has this code already; leave it out.")
    dashboard.wait_for("1 duplicate left out")
    dashboard.check_appearance()
    file = tmp_path / "codes.csv"
    file.write_text("code;state\n" + "".join(f"C-{number};new\n" for number in range(10_001)))
    dashboard.find("input", "Or a CSV or text file").send_keys(str(file))
    dashboard.wait_for("10,002 lines")
    select(dashboard, "Which column has the codes?", "Column 1: code, C-0, …")
    dashboard.click("input", "The first line is a heading")
    dashboard.click("button", "Add the codes")
    dashboard.wait_for("10,001 codes added")
    dashboard.wait_for("10,002 of 10,002 codes left")
    assert dashboard.focused().text == "Add codes"

    dashboard.click("button", "Delete")
    dashboard.wait_for("It can’t be deleted while these use it:")
    dashboard.check_accessibility()
    dashboard.click("button", "Close")
    dashboard.click("a", "Welcome")
    dashboard.wait_for("with a code of Gifts (10,002 codes left)")
    dashboard.check_browser_logs()


def create_pool_with_distribution(dashboard: Dashboard) -> str:
    """Creates a pool of one code, which a distribution uses; returns the distribution's id."""
    pool = dashboard.execute(CREATE_POOL, input={"name": "Gifts", "codes": ["FIRST"]})["codePool"]
    filter_ = {"attribute": {"path": "name", "operator": "HAS_VALUE"}}
    segment_id = dashboard.create_segment("Everybody", {"filter": filter_})
    return dashboard.create_distribution(segment_id, codePoolId=pool["id"])


async def add_delivery(
    settings: Settings, distribution_id: str, customer_id: str, code: str
) -> None:
    store = Store.connect(settings)
    delivery = Delivery(
        id=new_id(EntityKind.DELIVERY),
        distribution_id=distribution_id,
        customer_id=customer_id,
        transition_id=None,
        status=DeliveryStatus.DELIVERED,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        code=code,
    )
    await store.deliveries.insert([NewDelivery(delivery, WebhookRequest(WEBHOOK_URL, {}, b"{}"))])
    await store.close()
