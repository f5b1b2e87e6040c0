"""Unsaved changes in the editor: undone, kept by the browser, sent as a link, and in conflict."""

from typing import Any

import pytest
from selenium.webdriver import Keys

from tests.dashboard.conftest import SETUP_SECONDS
from tests.dashboard.dashboard import Dashboard, press_with, replace_text

pytestmark = pytest.mark.timeout(SETUP_SECONDS)

ANNA = {"attribute": {"path": "name", "operator": "IS", "value": "Anna"}}
READ_SEGMENT = "query($id: ID!) { segment(id: $id) { name filter } }"
RENAME = """
mutation($id: ID!, $name: String!) {
  segmentUpdate(id: $id, input: {name: $name}) { userErrors { code } }
}
"""
DELETE = "mutation($id: ID!) { segmentDelete(id: $id) { userErrors { code } } }"


@pytest.fixture
def segment_id(dashboard: Dashboard) -> str:
    dashboard.create_customers("anna", name="Anna")
    dashboard.create_customers("ben", "bea", name="Ben")
    return dashboard.create_segment("People", {"filter": ANNA})


def type_value(dashboard: Dashboard, text: str) -> None:
    replace_text(dashboard.find("input", "Value"), text)


def value_in_filter(dashboard: Dashboard, segment_id: str) -> Any:
    segment = dashboard.execute(READ_SEGMENT, id=segment_id)
    return segment["filter"]["all"][0]["attribute"]["value"]


def test_a_draft_is_kept_until_it_is_saved_or_thrown_away(
    dashboard: Dashboard, segment_id: str
) -> None:
    dashboard.open(f"/app/segments/{segment_id}/edit")
    dashboard.wait_for("1 stay")
    type_value(dashboard, "Ben")
    dashboard.wait_for("+2 would enter")

    dashboard.open("/app/segments")
    dashboard.click("a", "Unsaved change")
    dashboard.wait_for("This browser has an unsaved change of")
    dashboard.check_accessibility()
    dashboard.find("button", "Continue editing").send_keys(Keys.ENTER)
    dashboard.wait_for("+2 would enter")
    assert dashboard.focused() == dashboard.find("input", "Name")
    assert dashboard.find("input", "Value").get_attribute("value") == "Ben"
    dashboard.browser.refresh()
    dashboard.click("button", "Discard it")
    dashboard.wait_for("+0 would enter")
    assert dashboard.find("input", "Value").get_attribute("value") == "Anna"

    type_value(dashboard, "Ben")
    dashboard.wait_for("+2 would enter")
    dashboard.click("button", "Undo")
    dashboard.wait_for("+0 would enter")
    dashboard.click("button", "Redo")
    dashboard.wait_for("+2 would enter")
    press_with(dashboard, Keys.CONTROL, "s")
    dashboard.wait_for("2 members")
    assert value_in_filter(dashboard, segment_id) == "Ben"
    dashboard.click("a", "Edit")
    dashboard.wait_for("+0 would enter")
    dashboard.browser.back()
    dashboard.click("a", "Duplicate")
    dashboard.wait_for("2 customers")
    dashboard.click("button", "Save")
    dashboard.wait_for("People (copy)")
    dashboard.wait_for("2 members")
    dashboard.check_browser_logs()


def test_a_link_opens_the_draft_of_somebody_else(dashboard: Dashboard, segment_id: str) -> None:
    dashboard.open(f"/app/segments/{segment_id}/edit")
    dashboard.wait_for("1 stay")
    type_value(dashboard, "Ben")
    dashboard.click("button", "Copy link")
    dashboard.wait_for("The link is")
    link = dashboard.browser.current_url
    dashboard.browser.execute_script("localStorage.clear()")
    dashboard.open("/app/segments")
    dashboard.wait_for("People")
    assert "Unsaved change" not in dashboard.text()

    dashboard.browser.get(link)

    dashboard.wait_for("+2 would enter")
    assert dashboard.find("input", "Value").get_attribute("value") == "Ben"
    dashboard.check_browser_logs()
    dashboard.open("/app/segments/new#f=nothing")
    dashboard.browser.refresh()
    dashboard.wait_for("This link is not complete.")


def test_of_two_changes_the_user_takes_one(dashboard: Dashboard, segment_id: str) -> None:
    dashboard.open(f"/app/segments/{segment_id}/edit")
    dashboard.wait_for("1 stay")
    type_value(dashboard, "Ben")
    dashboard.wait_for("+2 would enter")
    dashboard.execute(RENAME, id=segment_id, name="Theirs")

    dashboard.click("button", "Save")
    dashboard.wait_for("Somebody else has changed this segment since you began.")
    dashboard.check_accessibility()
    assert dashboard.execute(READ_SEGMENT, id=segment_id)["filter"] == ANNA
    dashboard.click("button", "Take theirs")
    dashboard.wait_for("+0 would enter")
    assert dashboard.find("input", "Name").get_attribute("value") == "Theirs"

    type_value(dashboard, "Ben")
    dashboard.wait_for("+2 would enter")
    dashboard.execute(RENAME, id=segment_id, name="Theirs again")
    dashboard.click("button", "Save")
    dashboard.wait_for("“Theirs again”: name is")
    dashboard.click("button", "Keep mine")
    dashboard.wait_until(lambda: dashboard.focused() == dashboard.find("input", "Name"))
    dashboard.click("button", "Save")
    dashboard.wait_for("2 members")
    assert dashboard.execute(READ_SEGMENT, id=segment_id)["name"] == "Theirs"


def test_a_tab_says_that_another_one_keeps_its_draft(dashboard: Dashboard) -> None:
    browser = dashboard.browser
    dashboard.open("/app/segments/new")
    dashboard.find("input", "Name").send_keys("first")
    (first,) = browser.window_handles
    browser.switch_to.new_window("tab")
    dashboard.open("/app/segments/new")
    dashboard.click("button", "Discard it")
    dashboard.find("input", "Name").send_keys("second")
    browser.switch_to.window(first)
    dashboard.wait_for("Another tab edits this, too")
    dashboard.check_accessibility()

    dashboard.find("input", "Name").send_keys(" again")

    (second,) = (handle for handle in browser.window_handles if handle != first)
    browser.switch_to.window(second)
    dashboard.wait_for("Another tab edits this, too")
    browser.close()
    browser.switch_to.window(first)


@pytest.mark.parametrize(
    ("is_deleted", "heading"),
    [(True, "There is no such page"), (False, "“People” can’t be edited")],
    ids=["gone", "active"],
)
def test_a_draft_whose_segment_is_gone_or_active_becomes_a_new_segment(
    dashboard: Dashboard, segment_id: str, is_deleted: bool, heading: str
) -> None:
    dashboard.open(f"/app/segments/{segment_id}/edit")
    dashboard.wait_for("1 stay")
    type_value(dashboard, "Ben")
    replace_text(dashboard.find("input", "Name"), "Bens")
    dashboard.wait_for("+2 would enter")
    if is_deleted:
        assert dashboard.execute(DELETE, id=segment_id) == {"userErrors": []}
    else:
        dashboard.create_distribution(segment_id)
    dashboard.click("button", "Save")
    dashboard.wait_for(heading)
    dashboard.wait_for("This browser has an unsaved change of")
    dashboard.check_accessibility()

    dashboard.click("button", "Make a new segment of it")
    dashboard.wait_for("2 customers")
    dashboard.click("button", "Save")

    dashboard.wait_for("2 members")
    assert dashboard.find("h1", "Bens").is_displayed()
    kept = "return Object.keys(localStorage).filter(name => name.includes('draft'))"
    assert dashboard.browser.execute_script(kept) == []
