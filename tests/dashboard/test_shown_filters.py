"""The editor shows what is stored, also where a filter has what the editor does not offer."""

import pytest
from selenium.webdriver import Keys
from selenium.webdriver.support.select import Select

from tests.dashboard.conftest import SETUP_SECONDS
from tests.dashboard.dashboard import Dashboard, press_with
from tests.dashboard.editor import READ_FILTER, create_people

pytestmark = pytest.mark.timeout(SETUP_SECONDS)

CREATE_ORDER = """
mutation { ordersUpsert(inputs: [{sourceId: "1", customer: {sourceId: "ben"}, amount: 100}]) {
  accepted
} }
"""
# A browser has 9007199254740992 in its place.
LARGE_NUMBER = 9_007_199_254_740_993
INSTANT = "2026-05-01T10:00:00Z"


@pytest.fixture(autouse=True)
def customers(dashboard: Dashboard) -> None:
    create_people(dashboard)


def open_filter(dashboard: Dashboard, filter_: object) -> str:
    """Opens the editor of a new segment with the filter; returns its id."""
    id_ = dashboard.create_segment("Odd", {"filter": filter_})
    dashboard.open(f"/app/segments/{id_}/edit")
    dashboard.find("button", "+ Attribute")
    return id_


def shown_option(dashboard: Dashboard, label: str) -> str:
    return Select(dashboard.find("select", label)).first_selected_option.text


def test_what_the_shop_does_not_have_is_shown(dashboard: Dashboard) -> None:
    assert dashboard.execute(CREATE_ORDER) == {"accepted": 1}
    aggregate = {"function": "SUM", "property": "tax"}
    order = {"name": "order", "operator": "GREATER_THAN", "value": 5, "aggregate": aggregate}
    unseen = {"name": "unseen", "operator": "LESS_THAN", "value": 3}
    open_filter(dashboard, {"any": [{"event": order}]})
    assert shown_option(dashboard, "Measured property") == "tax"

    dashboard.open("/app/segments")
    id_ = dashboard.create_segment("Unseen", {"filter": {"event": unseen}})
    dashboard.open(f"/app/segments/{id_}/edit")
    assert shown_option(dashboard, "Comparison") == "is less than"


def test_a_number_that_the_browser_would_change_is_not_saved(dashboard: Dashboard) -> None:
    large = {"attribute": {"path": "metadata.large", "operator": "IS", "value": LARGE_NUMBER}}
    id_ = open_filter(dashboard, {"all": [large]})

    dashboard.find("input", "Name").send_keys(" one")

    dashboard.wait_for("A browser does not keep all digits of such a number.")
    dashboard.wait_for("1 condition not finished, and left out.")
    assert dashboard.is_off("button", "Save")
    dashboard.check_accessibility()
    assert dashboard.execute(READ_FILTER, id=id_)["filter"] == {"all": [large]}


def test_a_year_has_four_digits(dashboard: Dashboard) -> None:
    born = {"attribute": {"path": "birthdate", "operator": "BEFORE", "value": "2026-05-01"}}
    created = {"attribute": {"path": "createdAt", "operator": "AFTER", "value": INSTANT}}
    open_filter(dashboard, {"all": [born, created]})
    day, time = dashboard.browser.find_elements("css selector", "input[aria-label=Value]")

    for field in (day, time):
        field.send_keys("050120271")
        year, _, _ = (field.get_attribute("value") or "").partition("-")
        assert len(year) == 4
        assert dashboard.focused() == field
    dashboard.check_browser_logs()


def test_a_time_that_is_emptied_keeps_its_field(dashboard: Dashboard) -> None:
    created = {"attribute": {"path": "createdAt", "operator": "AFTER", "value": INSTANT}}
    open_filter(dashboard, {"all": [created]})
    field = dashboard.find("input", "Value")

    field.send_keys(Keys.BACKSPACE)

    dashboard.wait_for("1 condition not finished, and left out.")
    assert dashboard.focused() == field
    assert field.get_attribute("type") == "datetime-local"
    press_with(dashboard, Keys.CONTROL, "z")
    dashboard.wait_until(lambda: field.get_attribute("value") == "2026-05-01T10:00", "the time")
