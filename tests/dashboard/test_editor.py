"""The editor of filters in a browser."""

from typing import Any

import pytest
from selenium.webdriver import Keys
from selenium.webdriver.support.select import Select

from tests.dashboard.conftest import SETUP_SECONDS
from tests.dashboard.dashboard import Dashboard

pytestmark = pytest.mark.timeout(SETUP_SECONDS)

ANNA = {"attribute": {"path": "name", "operator": "IS", "value": "Anna"}}
READ_FILTER = "query($id: ID!) { segment(id: $id) { name filter updatedAt } }"


@pytest.fixture(autouse=True)
def customers(dashboard: Dashboard) -> None:
    dashboard.create_customers("anna-1", "anna-2", name="Anna")
    dashboard.create_customers("ben", name="Ben", email="ben@shop.example")


def select(dashboard: Dashboard, label: str, text: str) -> None:
    Select(dashboard.find("select", label)).select_by_visible_text(text)


def segment_of(dashboard: Dashboard) -> Any:
    """The segment whose page is shown, from the API."""
    id_ = dashboard.browser.current_url.rpartition("/")[2]
    return dashboard.execute(READ_FILTER, id=id_)


def test_a_new_segment_is_counted_while_it_is_made(dashboard: Dashboard) -> None:
    dashboard.open("/app/segments")
    dashboard.click("a", "New segment")
    dashboard.wait_for("Add a condition to see who meets it.")
    dashboard.check_accessibility()

    dashboard.find("input", "Name").send_keys("Named Anna")
    select(dashboard, "Attribute", "Name")
    dashboard.wait_for("1 condition not finished, and left out.")
    select(dashboard, "Operator", "is")
    dashboard.find("input", "Value").send_keys("Anna")
    dashboard.wait_for("2 customers")
    dashboard.check_accessibility()
    dashboard.use_dark_colours()
    dashboard.check_accessibility()
    dashboard.use_width(320)
    assert not dashboard.is_scrolled_sideways()
    dashboard.click("button", "Save")

    dashboard.wait_for("2 members")
    segment = segment_of(dashboard)
    assert (segment["name"], segment["filter"]) == ("Named Anna", {"all": [ANNA]})
    dashboard.check_browser_logs()


def test_an_edit_shows_who_would_enter_and_leave(dashboard: Dashboard) -> None:
    segment_id = dashboard.create_segment("People", {"filter": ANNA})
    dashboard.open(f"/app/segments/{segment_id}")
    dashboard.click("a", "Edit")
    dashboard.wait_for("+0 would enter, −0 would leave, 2 stay")

    value = dashboard.find("input", "Value")
    value.send_keys(Keys.CONTROL, "a")
    value.send_keys("Ben")
    dashboard.wait_for("+1 would enter, −2 would leave, 0 stay")
    dashboard.click("button", "Save")

    dashboard.wait_for("1 members")
    assert segment_of(dashboard)["filter"]["all"][0]["attribute"]["value"] == "Ben"


def test_a_change_by_somebody_else_is_not_overwritten(dashboard: Dashboard) -> None:
    segment_id = dashboard.create_segment("People", {"filter": ANNA})
    dashboard.open(f"/app/segments/{segment_id}/edit")
    dashboard.wait_for("2 stay")
    dashboard.execute(
        'mutation($id: ID!) { segmentUpdate(id: $id, input: {name: "Theirs"})'
        " { userErrors { code } } }",
        id=segment_id,
    )

    dashboard.click("button", "Save")

    dashboard.wait_for("CONFLICT")
    dashboard.check_accessibility()
    assert dashboard.execute(READ_FILTER, id=segment_id)["name"] == "Theirs"


def test_a_problem_stands_at_its_condition(dashboard: Dashboard) -> None:
    dashboard.open("/app/segments/new")
    select(dashboard, "Attribute", "Name")
    select(dashboard, "Operator", "is one of")
    dashboard.find("textarea", "Values, one a line").send_keys("Anna\nBen")
    dashboard.wait_for("3 customers")
    select(dashboard, "Attribute", "Birthdate")
    select(dashboard, "Operator", "is one of")
    dashboard.find("textarea", "Values, one a line").send_keys("yesterday")

    dashboard.wait_until(
        lambda: bool(dashboard.browser.find_elements("css selector", ".part .field-problem")),
        "a problem at the condition",
    )
    assert not dashboard.find("button", "Save").is_enabled()
    dashboard.check_accessibility()


def test_a_filter_is_made_by_keyboard_alone(dashboard: Dashboard) -> None:
    dashboard.open("/app/segments/new")
    dashboard.find("button", "+ Attribute").send_keys(Keys.ENTER)
    dashboard.wait_until(lambda: label_of_focus(dashboard) == "Attribute")
    assert len(dashboard.browser.find_elements("css selector", ".part")) == 2
    dashboard.press("em", Keys.TAB, "has a", Keys.TAB)
    dashboard.wait_for("1 customer\n")

    dashboard.find("button", "Remove").send_keys(Keys.ENTER)

    dashboard.wait_until(lambda: dashboard.focused().text == "+ Attribute")
    assert len(dashboard.browser.find_elements("css selector", ".part")) == 1


def test_a_filter_with_every_kind_of_condition_is_saved_as_it_was(dashboard: Dashboard) -> None:
    dashboard.execute(
        'mutation { eventsTrack(inputs: [{customer: {sourceId: "ben"}, name: "visit",'
        ' properties: {page: "home"}}]) { accepted } }'
    )
    inner = dashboard.create_segment("Inner", {"filter": ANNA})
    event = {
        "name": "visit",
        "where": [{"path": "page", "operator": "IS", "value": "home"}],
        "within": {"last": "P30D"},
        "operator": "GREATER_THAN_OR_EQUAL",
        "value": 1,
    }
    filter_ = {
        "all": [
            {"event": event},
            {"none": [{"segment": {"id": inner, "member": True}}]},
            {"attribute": {"path": "email", "operator": "HAS_VALUE"}},
        ]
    }
    segment_id = dashboard.create_segment("Everything", {"filter": filter_})
    before = dashboard.execute(READ_FILTER, id=segment_id)["filter"]
    dashboard.open(f"/app/segments/{segment_id}/edit")
    dashboard.wait_for("1 stay")
    dashboard.check_accessibility()

    dashboard.click("button", "Save")

    dashboard.wait_for("1 members")
    assert segment_of(dashboard)["filter"] == before


def label_of_focus(dashboard: Dashboard) -> str | None:
    return dashboard.focused().get_attribute("aria-label")
