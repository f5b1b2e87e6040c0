"""The page of a segment in a browser: members, sizes, what uses it, and its deletion."""

from datetime import timedelta

import pytest
from selenium.webdriver import Keys

from app.settings import Settings
from tests.api import ALL_CUSTOMERS_FILTER
from tests.browser import websocket_messages
from tests.dashboard.conftest import SETUP_SECONDS
from tests.dashboard.dashboard import (
    Dashboard,
    copied_text,
    disconnect_api,
    let_copy,
    reconnect_api,
    select,
)
from tests.dashboard.sizes import add_sizes

pytestmark = pytest.mark.timeout(SETUP_SECONDS)

MEMBERS = 60
MAX_RENDERED_ROWS = 60
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


def test_members_are_scrolled_and_searched(dashboard: Dashboard, segment_id: str) -> None:
    more = (f"more-{number:03}" for number in range(1_000))
    dashboard.create_customers(*more, name="Zoe", metadata={"tier": "gold"})
    dashboard.open("/app/segments")
    dashboard.click("a", "Everybody")

    dashboard.wait_for("1,060 members, 100% of all customers")
    assert dashboard.browser.current_url == f"{dashboard.url}/app/segments/{segment_id}"
    assert "Everybody" in dashboard.browser.title
    dashboard.wait_for("customer-09")
    table = dashboard.browser.find_element("css selector", "table[aria-rowcount='1061']")
    dashboard.check_accessibility()
    dashboard.click("button", "Show more")
    dashboard.wait_for("That is all.")
    scroller = table.find_element("xpath", "..")

    def is_last_row_shown() -> bool:
        # A busy browser may drop the scrolling of a key.
        scroller.send_keys(Keys.END)
        return "more-999" in dashboard.text()

    dashboard.wait_until(is_last_row_shown, "the last row")
    rows = table.find_elements("css selector", "tbody tr[aria-rowindex]")
    assert rows[-1].get_attribute("aria-rowindex") == "1061"
    assert len(rows) < MAX_RENDERED_ROWS

    dashboard.click("summary", "Columns")
    dashboard.click("input", "Email")
    dashboard.click("input", "metadata.tier")
    dashboard.wait_for("Name Source id metadata.tier Reason\n")
    dashboard.find("input", "Name, email, phone or source id").send_keys("more-500")
    dashboard.wait_for("1 member found")
    dashboard.browser.refresh()
    dashboard.wait_for("1 member found")
    dashboard.wait_for("Zoe more-500 gold")
    dashboard.check_appearance()
    dashboard.check_browser_logs()


def test_a_row_with_the_focus_stays(dashboard: Dashboard, segment_id: str) -> None:
    dashboard.open(f"/app/segments/{segment_id}")
    # Each row has two links.
    dashboard.find("a", "Eve").send_keys(Keys.TAB)
    dashboard.press(Keys.TAB)
    link = dashboard.focused()
    dashboard.browser.execute_script("document.querySelector('.long-table').scrollTop = 1_000_000")
    dashboard.wait_for("customer-59")
    assert "customer-09" not in dashboard.text()
    assert dashboard.focused() == link

    dashboard.press(*[Keys.TAB] * 4)

    assert dashboard.focused() != link
    dashboard.wait_until(lambda: "customer-01" not in dashboard.text(), "the row without focus")
    assert dashboard.focused().text == "Eve"


def test_the_history_is_walked_by_keyboard(
    dashboard: Dashboard, segment_id: str, settings: Settings
) -> None:
    hours = {100: 3, 99: 9, 98: 8, 97: 8, 20: 4, 19: 4, 18: 5, 17: 6}
    add_sizes(settings, segment_id, {timedelta(hours=age): count for age, count in hours.items()})
    dashboard.open(f"/app/segments/{segment_id}")
    dashboard.click("a", "History")
    dashboard.wait_for("First 3 members (")
    for words in ("Last 6 members (", "Most 9 members (", "Where the line is broken"):
        assert words in dashboard.text()
    assert len(dashboard.browser.find_elements("css selector", ".chart-line")) == 2
    assert not dashboard.browser.find_elements("css selector", ".chart-dot")

    dashboard.find("select", "Time").send_keys(Keys.TAB)
    dashboard.press(Keys.END)
    assert status_of(dashboard).endswith(": 6 members")
    dashboard.press(Keys.ARROW_LEFT)
    assert status_of(dashboard).endswith(": 5 members")
    dashboard.press(Keys.HOME, Keys.ARROW_RIGHT)
    assert status_of(dashboard).endswith(": 9 members")
    dashboard.click("summary", "As a table")
    dashboard.wait_for("8 sizes, the newest first")
    dashboard.check_appearance()
    select(dashboard, "Time", "3 years")
    dashboard.wait_until(lambda: dashboard.browser.current_url.endswith("/history?days=1095"))
    # In three years, three hours are too short for a line.
    dashboard.wait_until(
        lambda: len(dashboard.browser.find_elements("css selector", ".chart-dot")) == 2, "dots"
    )
    dashboard.check_browser_logs()


def status_of(dashboard: Dashboard) -> str:
    status = dashboard.browser.find_element("css selector", "[role=status]")
    return status.get_attribute("textContent") or ""


def test_the_head_exports_the_segment_and_copies_it(dashboard: Dashboard, segment_id: str) -> None:
    let_copy(dashboard)
    dashboard.open(f"/app/segments/{segment_id}")
    dashboard.click("a", "Export")
    dashboard.wait_for("There are no exports of this segment.")
    dashboard.wait_until(lambda: dashboard.focused().tag_name == "select", "the form")
    dashboard.click("summary", "Columns: Source id, Name, Email")
    dashboard.click("a", "Export")
    assert dashboard.focused().tag_name == "select"

    dashboard.click("button", "Copy as GraphQL")

    dashboard.wait_for("Copied.")
    assert copied_text(dashboard).startswith("mutation CreateSegment(")
    dashboard.check_appearance()
    dashboard.check_browser_logs()


def test_texts_that_are_cut_are_shown_beside_the_pointer(dashboard: Dashboard) -> None:
    email = "a-very-long-name-of-a-customer@shop.example"
    dashboard.create_customers("anna", email=email)
    segment_id = dashboard.create_segment("Everybody", {"filter": ALL_CUSTOMERS_FILTER})
    dashboard.open(f"/app/segments/{segment_id}")

    cell = dashboard.find("td", email)

    assert dashboard.browser.execute_script(
        "return arguments[0].scrollWidth > arguments[0].clientWidth", cell
    )
    assert cell.get_attribute("title") == email


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


def test_the_live_feed_is_opened_again_after_an_error(
    dashboard: Dashboard, segment_id: str
) -> None:
    dashboard.create_distribution(segment_id)
    dashboard.open(f"/app/segments/{segment_id}/uses")
    dashboard.wait_for("Distribution")
    disconnect_api(dashboard)
    dashboard.click("a", "Live")
    dashboard.wait_for("The server does not answer.")
    reconnect_api(dashboard)

    dashboard.click("button", "Try again")

    dashboard.wait_for("Nobody has entered or left yet.")


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
