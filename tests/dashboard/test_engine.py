"""The health of the engine in a browser."""

from datetime import UTC, datetime

import pytest
from pymongo import MongoClient

from app.settings import Settings
from tests.dashboard.conftest import SETUP_SECONDS
from tests.dashboard.dashboard import Dashboard

pytestmark = pytest.mark.timeout(SETUP_SECONDS)

CUSTOMER_ID = f"cus_{7:024x}"
COUNT_REQUESTS = (
    "return performance.getEntriesByType('resource')"
    ".filter(({name}) => name.endsWith('/graphql')).length"
)


def test_the_page_says_what_is_wrong_and_what_to_do(
    dashboard: Dashboard, settings: Settings, mongo_client: MongoClient[dict[str, object]]
) -> None:
    database = mongo_client[settings.database]
    now = datetime.now(UTC)
    blocked = {"customerId": CUSTOMER_ID, "error": "bad", "firstFailedAt": now, "retryAt": now}
    database.partitions.update_one({"_id": 3}, {"$set": {"poisonChange": {**blocked, "tries": 2}}})
    database.engineErrors.insert_one(
        {"_id": "last", "message": "it broke", "at": now, "host": "there", "pid": 7}
    )
    dashboard.open("/app/segments")
    dashboard.click("a", "Engine")

    dashboard.wait_for("✗ 2 checks need a remedy.")
    cells = dashboard.browser.find_elements("css selector", ".partitions li")
    assert [cell.text for cell in cells] == [
        f"✗ 3\nBlocked by customer {CUSTOMER_ID}" if number == 3 else f"○ {number}\nNo worker"
        for number in range(16)
    ]
    first_row, second_row = dashboard.browser.find_elements("css selector", "tbody tr")[:2]
    assert first_row.text.startswith("✗ Fix partition 3 blocked since")
    assert "15 partitions without a worker" in second_row.text
    assert "start `segments worker`, one or more" in second_row.text
    assert "No worker runs." in dashboard.text()
    assert "on there, process 7: it broke" in dashboard.text()
    dashboard.check_appearance()

    database.partitions.update_one({"_id": 3}, {"$unset": {"poisonChange": ""}})

    dashboard.wait_for("✗ 1 check needs a remedy.")
    dashboard.check_browser_logs()


def test_only_a_page_in_sight_reads_the_status_again(dashboard: Dashboard) -> None:
    browser = dashboard.browser
    dashboard.open("/app/engine")
    dashboard.wait_for("16 partitions without a worker")
    hidden_tab = browser.current_window_handle
    set_visibility(dashboard, "hidden")
    polls = count_polls(dashboard, hidden_tab)
    browser.switch_to.new_window("tab")
    shown_tab = browser.current_window_handle
    dashboard.open("/app/engine")
    dashboard.wait_until(lambda: count_polls(dashboard, shown_tab) >= 4, "three polls more")
    browser.close()

    assert count_polls(dashboard, hidden_tab) == polls
    set_visibility(dashboard, "visible")
    dashboard.wait_until(lambda: count_polls(dashboard, hidden_tab) >= polls + 2, "polls")


def test_an_old_status_stays_while_the_server_does_not_answer(dashboard: Dashboard) -> None:
    dashboard.open("/app/engine")
    dashboard.wait_for("16 partitions without a worker")
    set_offline(dashboard, True)
    try:
        dashboard.wait_for("The server does not answer.")
        assert "16 partitions without a worker" in dashboard.text()
        dashboard.check_accessibility()
    finally:
        set_offline(dashboard, False)
    dashboard.wait_until(lambda: "The server does not answer." not in dashboard.text())


def set_offline(dashboard: Dashboard, is_offline: bool) -> None:
    conditions = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    dashboard.browser.execute_cdp_cmd(
        "Network.emulateNetworkConditions", {"offline": is_offline, **conditions}
    )


def set_visibility(dashboard: Dashboard, state: str) -> None:
    dashboard.browser.execute_script(
        "const property = {value: arguments[0], configurable: true};"
        "Object.defineProperty(document, 'visibilityState', property);"
        "window.dispatchEvent(new Event('visibilitychange'));",
        state,
    )


def count_polls(dashboard: Dashboard, tab: str) -> int:
    """Returns how often the page in the tab has asked the API."""
    dashboard.browser.switch_to.window(tab)
    return int(dashboard.browser.execute_script(COUNT_REQUESTS))
