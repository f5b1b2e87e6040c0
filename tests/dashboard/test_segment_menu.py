"""The menu of a segment in the list, by mouse and by keyboard."""

import json
from urllib.parse import urlsplit

import pytest
from selenium.webdriver import Keys

from app.domain.api_keys import Role
from tests.api import ALL_CUSTOMERS_FILTER
from tests.dashboard.conftest import SETUP_SECONDS, RoleKeys
from tests.dashboard.dashboard import Dashboard, copied_text, let_copy, press_with

pytestmark = pytest.mark.timeout(SETUP_SECONDS)

HAS_EMAIL = {"attribute": {"path": "email", "operator": "HAS_VALUE"}}
DESCRIBE = """
mutation($id: ID!) {
  segmentUpdate(id: $id, input: {description: "Reachable"}) { userErrors { message } }
}
"""
READ = "query($id: ID!) { segment(id: $id) { name description filter } }"
DELETE = "mutation($id: ID!) { segmentDelete(id: $id) { userErrors { message } } }"


def test_keys_open_the_menu_move_in_it_and_close_it(dashboard: Dashboard) -> None:
    dashboard.create_segment("Reachable", {"filter": HAS_EMAIL})
    dashboard.open("/app/segments")
    button = dashboard.find("button", "Actions for Reachable")
    assert (button.get_attribute("aria-haspopup"), state_of(dashboard)) == ("menu", "false")

    button.send_keys(Keys.ENTER)
    wait_for_item(dashboard, "Open")
    assert state_of(dashboard) == "true"
    items = dashboard.browser.find_elements("css selector", "[role=menu] [role=menuitem]")
    names = ["Open", "Edit", "Duplicate", "Export", "Copy as GraphQL", "Delete"]
    assert [item.text for item in items] == names
    moves = {Keys.ARROW_UP: "Delete", Keys.ARROW_DOWN: "Open", Keys.END: "Delete", "e": "Edit"}
    for key, name in moves.items():
        dashboard.press(key)
        assert dashboard.focused().text == name
    # Letters are no shortcuts of the page.
    dashboard.press("n")
    assert dashboard.focused().text == "Edit"
    dashboard.press(Keys.ESCAPE)
    dashboard.wait_until(lambda: state_of(dashboard) == "false", "a closed menu")
    assert dashboard.focused() == button

    dashboard.press(Keys.ARROW_DOWN)
    wait_for_item(dashboard, "Open")
    press_with(dashboard, Keys.SHIFT, Keys.TAB)
    dashboard.wait_until(lambda: state_of(dashboard) == "false", "a closed menu")
    assert dashboard.focused().text == "Reachable"
    button.send_keys(Keys.ARROW_DOWN)
    wait_for_item(dashboard, "Open")
    dashboard.press("e", Keys.SPACE)
    dashboard.wait_for("Edit “Reachable”")
    assert urlsplit(dashboard.browser.current_url).path.endswith("/edit")
    dashboard.check_browser_logs()


def test_the_open_menu_is_accessible_and_a_press_elsewhere_closes_it(dashboard: Dashboard) -> None:
    dashboard.create_segment("Reachable", {"filter": HAS_EMAIL})
    dashboard.open("/app/segments")
    dashboard.click("button", "Actions for Reachable")
    wait_for_item(dashboard, "Open")
    dashboard.check_appearance()
    menu = dashboard.browser.find_element("css selector", "[role=menu]").rect
    assert 0 <= menu["x"] <= menu["x"] + menu["width"] <= 320

    dashboard.click("h1", "Segments")
    dashboard.wait_until(lambda: state_of(dashboard) == "false", "a closed menu")
    dashboard.click("button", "Actions for Reachable")
    wait_for_item(dashboard, "Open")
    dashboard.click("button", "Actions for Reachable")
    dashboard.wait_until(lambda: state_of(dashboard) == "false", "a closed menu")


def test_an_export_begins_in_the_menu(dashboard: Dashboard) -> None:
    dashboard.create_segment("Reachable", {"filter": HAS_EMAIL})
    dashboard.open("/app/segments")
    # The second time, the code of the form is there at once.
    for _ in range(2):
        dashboard.click("a", "Segments")
        dashboard.click("button", "Actions for Reachable")
        dashboard.click("a", "Export")
        dashboard.wait_for("There are no exports of this segment.")
        dashboard.wait_until(lambda: dashboard.focused().tag_name == "select", "the form")


def test_the_copied_mutation_creates_the_segment_again(dashboard: Dashboard) -> None:
    let_copy(dashboard)
    segment_id = dashboard.create_segment("Reachable", {"filter": HAS_EMAIL})
    dashboard.execute(DESCRIBE, id=segment_id)
    dashboard.open("/app/segments")

    dashboard.click("button", "Actions for Reachable")
    dashboard.click("button", "Copy as GraphQL")

    dashboard.wait_for("Copied.")
    assert dashboard.focused().accessible_name == "Actions for Reachable"
    document, _, variables = copied_text(dashboard).partition("\n\n")
    dashboard.execute(DELETE, id=segment_id)
    payload = dashboard.execute(document, **json.loads(variables))
    assert dashboard.execute(READ, id=payload["segment"]["id"]) == {
        "name": "Reachable",
        "description": "Reachable",
        "filter": HAS_EMAIL,
    }


def test_a_segment_is_deleted_after_a_question(dashboard: Dashboard) -> None:
    inner = dashboard.create_segment("Inner", {"filter": HAS_EMAIL})
    dashboard.create_segment("Outer", {"filter": {"none": [{"segment": {"id": inner}}]}})
    dashboard.open("/app/segments")

    choose_deletion(dashboard, "Inner")
    dashboard.wait_for("It can’t be deleted while these use it:")
    dashboard.press(Keys.ESCAPE)
    dashboard.wait_until(lambda: focus(dashboard) == "Actions for Inner", "the focus back")
    choose_deletion(dashboard, "Outer")
    dashboard.click("button", "Delete the segment")

    dashboard.wait_for("1 segment\n")
    assert focus(dashboard) == "Actions for Inner"
    choose_deletion(dashboard, "Inner")
    dashboard.click("button", "Delete the segment")
    dashboard.wait_for("There are no segments yet.")
    assert dashboard.focused().tag_name == "main"


def test_the_menu_has_what_the_kind_and_the_key_allow(
    locked_dashboard: tuple[Dashboard, RoleKeys],
) -> None:
    dashboard, keys = locked_dashboard
    dashboard.create_customers("anna")
    dashboard.create_segment("Everybody", {"filter": ALL_CUSTOMERS_FILTER})
    dashboard.create_segment("Chosen", {"customers": [{"sourceId": "anna"}]})
    expected = {
        (Role.ADMIN, "Chosen"): ["Open", "Make a changed copy", "Export", "Delete"],
        (Role.READ, "Everybody"): ["Open", "Copy as GraphQL"],
    }
    dashboard.open("/app/segments")
    for (role, name), names in expected.items():
        dashboard.browser.execute_script(
            "localStorage.setItem('segments:key', arguments[0])", keys[role]
        )
        dashboard.browser.refresh()
        dashboard.click("button", f"Actions for {name}")
        wait_for_item(dashboard, "Open")
        items = dashboard.browser.find_elements("css selector", "[role=menuitem]")
        assert [item.text for item in items] == names


def choose_deletion(dashboard: Dashboard, name: str) -> None:
    dashboard.click("button", f"Actions for {name}")
    dashboard.click("button", "Delete")


def wait_for_item(dashboard: Dashboard, name: str) -> None:
    """Waits until the item of the menu has the focus."""
    dashboard.wait_until(lambda: dashboard.focused().text == name, f"the item {name}")


def state_of(dashboard: Dashboard) -> str | None:
    """Whether the only menu is open, as its button tells."""
    button = dashboard.browser.find_element("css selector", "[aria-haspopup]")
    return button.get_attribute("aria-expanded")


def focus(dashboard: Dashboard) -> str:
    return dashboard.focused().accessible_name
