"""The journeys of the dashboard by keyboard alone, and where the focus is after each step."""

import pytest
from selenium.webdriver import Keys

from tests.dashboard.conftest import SETUP_SECONDS
from tests.dashboard.dashboard import Dashboard, Json, press_with

pytestmark = pytest.mark.timeout(SETUP_SECONDS)

MAX_TABS = 60
NAMED = {"attribute": {"path": "name", "operator": "HAS_VALUE"}}
READ_SEGMENT = """
query($id: ID!) { segment(id: $id) {
  name kind filter members(first: 100) { nodes { sourceId } }
} }
"""


@pytest.fixture(autouse=True)
def customers(dashboard: Dashboard) -> None:
    dashboard.create_customers("eve-1", "eve-2", "eve-3", name="Eve")
    dashboard.create_customers("ben", name="Ben", email="ben@shop.example")
    dashboard.execute(
        'mutation { eventsTrack(inputs: [{customer: {sourceId: "ben"}, name: "visit",'
        ' properties: {page: "home"}}]) { accepted } }'
    )


def test_a_segment_with_conditions_of_each_kind(dashboard: Dashboard) -> None:
    named_id = dashboard.create_segment("Named", {"filter": NAMED})
    dashboard.open("/app/segments")
    dashboard.wait_for("1 segment\n")
    dashboard.press(Keys.TAB)
    assert focus(dashboard) == "Skip to content"
    dashboard.press(Keys.ENTER)
    wait_for_focus(dashboard, "main")
    activate(dashboard, "New segment")
    wait_for_focus(dashboard, "Name")
    dashboard.press("Visitors")

    tab_to(dashboard, "Attribute")
    dashboard.press("email", Keys.ENTER)
    wait_for_focus(dashboard, "Operator")
    dashboard.press("has a", Keys.TAB)
    activate(dashboard, "+ Event")
    wait_for_focus(dashboard, "Event")
    dashboard.press("visit")
    tab_to(dashboard, "+ where")
    dashboard.press(Keys.ENTER)
    wait_for_focus(dashboard, "Property")
    dashboard.press("page", Keys.TAB, "is", Keys.TAB, "home")
    tab_to(dashboard, "+ Segment")
    dashboard.press(Keys.ENTER)
    wait_for_focus(dashboard, "Membership")
    dashboard.press(Keys.TAB, "named", Keys.ENTER)
    dashboard.wait_for("name has a value")
    assert focus(dashboard) == "Segment"
    activate(dashboard, "+ Group")
    wait_for_focus(dashboard, "How the conditions are joined")
    dashboard.press("none")
    activate(dashboard, "+ Attribute")
    wait_for_focus(dashboard, "Attribute")
    dashboard.press("source id", Keys.ENTER)
    wait_for_focus(dashboard, "Operator")
    dashboard.press("starts", Keys.TAB, "eve")
    assert focus(dashboard) == "Text"
    dashboard.wait_for("1 customer\n")
    press_with(dashboard, Keys.CONTROL, "s")

    dashboard.wait_for("1 member")
    wait_for_focus(dashboard, "Visitors")
    assert dashboard.focused().tag_name == "h1"
    assert dashboard.browser.title.startswith("Visitors")
    where = {"path": "page", "operator": "IS", "value": "home"}
    eve = {"path": "sourceId", "operator": "STARTS_WITH", "value": "eve"}
    assert shown_segment(dashboard)["filter"]["all"] == [
        {"attribute": {"path": "email", "operator": "HAS_VALUE"}},
        {"event": {"name": "visit", "where": [where]}},
        {"segment": {"id": named_id}},
        {"none": [{"attribute": eve}]},
    ]
    dashboard.browser.back()
    wait_for_focus(dashboard, "Name")
    dashboard.check_browser_logs()


def test_a_fixed_list_by_search_and_ticks(dashboard: Dashboard) -> None:
    dashboard.open("/app/segments")
    dashboard.wait_for("There are no segments yet.")
    activate(dashboard, "New fixed list")
    dashboard.wait_for("0 customers in the list")
    wait_for_focus(dashboard, "Name")
    tab_to(dashboard, "Name, email, phone or source id")
    dashboard.press("eve")
    dashboard.wait_for("Add all 3")
    tab_to(dashboard, "eve-1")
    dashboard.press(Keys.SPACE)
    dashboard.wait_for("1 customer in the list")
    assert focus(dashboard) == "eve-1"
    tab_to(dashboard, "eve-3")
    dashboard.press(Keys.SPACE)
    dashboard.wait_for("2 customers in the list")
    activate(dashboard, "Remove eve-1")
    dashboard.wait_for("1 customer in the list")
    assert focus(dashboard) == "Remove eve-3"
    tab_back_to(dashboard, "Name")
    dashboard.press("Chosen", Keys.ENTER)

    dashboard.wait_for("1 member")
    wait_for_focus(dashboard, "Chosen")
    list_ = shown_segment(dashboard)
    assert (list_["name"], list_["kind"]) == ("Chosen", "STATIC")
    assert list_["members"]["nodes"] == [{"sourceId": "eve-3"}]


def test_an_export_is_started_and_canceled(dashboard: Dashboard) -> None:
    dashboard.create_segment("Named", {"filter": NAMED})
    dashboard.open("/app/segments")
    dashboard.wait_for("1 segment\n")
    activate(dashboard, "Named")
    dashboard.wait_for("4 members")
    wait_for_focus(dashboard, "main")
    activate(dashboard, "Exports")
    dashboard.wait_for("There are no exports of this segment.")
    wait_for_focus(dashboard, "main")
    tab_to(dashboard, "Columns: Source id, Name, Email")
    dashboard.press(Keys.ENTER)
    dashboard.wait_for("Chosen columns, in the order of the file")
    tab_to(dashboard, "Search a column")
    dashboard.press("name")
    tab_to(dashboard, "Add Name")
    dashboard.press(Keys.SPACE)
    dashboard.wait_for("Columns: Name")
    wait_for_focus(dashboard, "Search a column")
    tab_back_to(dashboard, "Start an export")
    dashboard.press(Keys.ENTER)
    dashboard.wait_for("Waiting for a worker")
    assert focus(dashboard) == "Start an export"

    activate(dashboard, "Cancel")

    dashboard.wait_for("Canceled")
    wait_for_focus(dashboard, "Canceled")


def tab_to(dashboard: Dashboard, name: str, *modifiers: str) -> None:
    """Presses Tab until the element with this name has the focus."""
    passed = []
    for _ in range(MAX_TABS):
        press_with(dashboard, *modifiers, Keys.TAB)
        passed.append(focus(dashboard))
        if passed[-1] == name:
            return
    raise AssertionError(f"{name!r} is not among {passed}")


def tab_back_to(dashboard: Dashboard, name: str) -> None:
    tab_to(dashboard, name, Keys.SHIFT)


def activate(dashboard: Dashboard, name: str) -> None:
    """Goes forward to a link or a button, and presses Enter."""
    tab_to(dashboard, name)
    dashboard.press(Keys.ENTER)


def wait_for_focus(dashboard: Dashboard, name: str) -> None:
    dashboard.wait_until(lambda: focus(dashboard) == name, f"the focus on {name}")


def focus(dashboard: Dashboard) -> str:
    """Returns the name of what has the focus: its label or its text; `main` for the page."""
    name: str = dashboard.browser.execute_script(
        "const element = document.activeElement;"
        "if (element.matches('main, body')) return element.localName;"
        "const text = element.ariaLabel ?? element.labels?.[0]?.innerText ?? element.innerText;"
        "return text.split('\\n')[0].trim();"
    )
    return name


def shown_segment(dashboard: Dashboard) -> Json:
    """The segment whose page is shown, from the API."""
    id_ = dashboard.browser.current_url.rpartition("/")[2]
    return dict(dashboard.execute(READ_SEGMENT, id=id_))
