"""The page of a segment in a browser: members, what uses it, and its deletion."""

import pytest
from selenium.webdriver import Keys

from tests.api import ALL_CUSTOMERS_FILTER
from tests.browser import websocket_messages
from tests.dashboard.conftest import SETUP_SECONDS
from tests.dashboard.dashboard import Dashboard

pytestmark = pytest.mark.timeout(SETUP_SECONDS)

MEMBERS = 60
HAS_EMAIL = {"attribute": {"path": "email", "operator": "HAS_VALUE"}}
UPDATE = """
mutation($id: ID!, $input: SegmentUpdateInput!) {
  segmentUpdate(id: $id, input: $input) { userErrors { message } }
}
"""
START_EXPORT = """
mutation($id: ID!) { segmentExport(input: {segmentId: $id}) { export { id } } }
"""
CANCEL_EXPORT = "mutation($id: ID!) { exportCancel(id: $id) { export { status } } }"
# One more than the page shows at first.
EXPORTS = 51


@pytest.fixture
def segment_id(dashboard: Dashboard) -> str:
    """A segment of all customers."""
    dashboard.create_customers(*(f"customer-{number:02}" for number in range(MEMBERS)), name="Eve")
    return dashboard.create_segment("Everybody", {"filter": ALL_CUSTOMERS_FILTER})


def test_the_page_shows_the_members_page_by_page(dashboard: Dashboard, segment_id: str) -> None:
    dashboard.open("/app/segments")
    dashboard.click("a", "Everybody")

    dashboard.wait_for("60 members")
    assert dashboard.browser.current_url == f"{dashboard.url}/app/segments/{segment_id}"
    assert "Everybody" in dashboard.browser.title
    dashboard.wait_for("customer-49")
    assert "customer-50" not in dashboard.text()
    dashboard.click("button", "Show more")
    dashboard.wait_for("customer-59")
    assert dashboard.text().count("customer-49") == 1
    dashboard.wait_until(lambda: dashboard.focused().text == "That is all.", "the focus")
    dashboard.check_appearance()
    dashboard.check_browser_logs()


def test_a_segment_in_use_is_not_deleted(dashboard: Dashboard, segment_id: str) -> None:
    dashboard.create_segment("Others", {"filter": {"none": [{"segment": {"id": segment_id}}]}})
    dashboard.open(f"/app/segments/{segment_id}/uses")
    dashboard.wait_for("1 use")
    dashboard.check_accessibility()

    dashboard.click("button", "Delete")

    dashboard.wait_for("It can’t be deleted while these use it:")
    assert not dashboard.browser.find_elements("xpath", "//button[.='Delete the segment']")
    dashboard.check_accessibility()


def test_a_segment_is_deleted_by_keyboard_after_a_question(
    dashboard: Dashboard, segment_id: str
) -> None:
    dashboard.open(f"/app/segments/{segment_id}")
    dashboard.find("button", "Delete").send_keys(Keys.ENTER)
    dashboard.wait_for("This can’t be undone.")
    dashboard.press(Keys.TAB, Keys.ENTER)

    dashboard.wait_for("There are no segments yet.")
    assert dashboard.execute("query($id: ID!) { segment(id: $id) { id } }", id=segment_id) is None
    assert dashboard.focused().tag_name == "main"


def test_the_changes_tell_what_was_done(dashboard: Dashboard, segment_id: str) -> None:
    for change in ({"filter": HAS_EMAIL}, {"name": "With email"}):
        payload = dashboard.execute(UPDATE, id=segment_id, input=change)
        assert not payload["userErrors"]
    dashboard.open(f"/app/segments/{segment_id}/changes")

    dashboard.wait_for("Changes, the newest first")
    cells = dashboard.browser.find_elements("css selector", "tbody td:nth-child(2)")
    assert [cell.text for cell in cells] == ["Renamed", "Filter edited", "Created"]
    dashboard.click("summary", "Filter edited")
    dashboard.wait_for("Before")
    dashboard.wait_until(lambda: "email" in cells[1].text, "the sentence of the filter")
    assert "{" not in cells[1].text
    dashboard.check_accessibility()
    dashboard.check_narrow_screen()
    dashboard.check_browser_logs()


def test_unknown_segments_and_pages_say_so(dashboard: Dashboard, segment_id: str) -> None:
    unknown_id = segment_id[:-1] + ("1" if segment_id.endswith("0") else "0")
    for path in (f"segments/{unknown_id}", f"segments/{segment_id}/none", "none"):
        dashboard.open(f"/app/{path}")
        dashboard.wait_for("There is no such page")
    dashboard.check_accessibility()


def test_a_running_export_is_followed_and_older_ones_are_shown(
    dashboard: Dashboard, segment_id: str
) -> None:
    starts = (dashboard.execute(START_EXPORT, id=segment_id) for _ in range(EXPORTS))
    *older_ids, newest_id = [start["export"]["id"] for start in starts]
    for id_ in older_ids:
        dashboard.execute(CANCEL_EXPORT, id=id_)
    dashboard.open(f"/app/segments/{segment_id}/exports")
    dashboard.wait_for("Source id, Name, Email Waiting for a worker")
    messages: list[str] = []

    def has_received(status: str) -> bool:
        messages.extend(websocket_messages(dashboard.browser))
        return any("exportProgress" in text and status in text for text in messages)

    dashboard.wait_until(lambda: has_received("SCHEDULED"), "the export is followed")
    dashboard.check_accessibility()
    dashboard.execute(CANCEL_EXPORT, id=newest_id)
    dashboard.wait_until(lambda: has_received("CANCELED"), "the end of the export")
    dashboard.wait_until(lambda: dashboard.text().count("Canceled") == EXPORTS - 1)
    dashboard.click("button", "Show more")
    dashboard.wait_until(lambda: dashboard.text().count("Canceled") == EXPORTS)
