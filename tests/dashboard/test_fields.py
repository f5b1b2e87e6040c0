"""Fields of filters: numbers in the format of the browser's language, and times to the second."""

from datetime import UTC, datetime
from typing import Any

import pytest
from selenium.webdriver import Keys

from tests.dashboard.conftest import SETUP_SECONDS
from tests.dashboard.dashboard import Dashboard, replace_text
from tests.dashboard.editor import READ_FILTER

pytestmark = pytest.mark.timeout(SETUP_SECONDS)

REFUSAL = "Write a number in your browser’s format, like 1234.5 or 1,234.5."


def test_a_number_is_read_as_the_language_writes_it_or_refused(dashboard: Dashboard) -> None:
    segment_id = edit_condition(dashboard, operator="GREATER_THAN", value=1234.5)
    field = dashboard.find("input", "Value")
    assert field.get_attribute("value") == "1234.5"

    replace_text(field, "1,5")
    assert REFUSAL not in dashboard.text()
    field.send_keys(Keys.TAB)
    dashboard.wait_for(REFUSAL)
    dashboard.wait_for("1 condition not finished, and left out.")
    assert field.get_attribute("value") == "1,5"
    dashboard.check_appearance()
    replace_text(field, "1,500")
    dashboard.click("button", "Save")
    dashboard.wait_for("0 members")

    assert value_of(dashboard, segment_id) == 1500


def test_a_browser_in_german_takes_a_decimal_comma(dashboard: Dashboard) -> None:
    dashboard.browser.execute_cdp_cmd("Emulation.setLocaleOverride", {"locale": "de-DE"})
    segment_id = edit_condition(dashboard, operator="BETWEEN", value=[0.25, 1234.5])
    low, high = dashboard.find("input", "From"), dashboard.find("input", "To")
    assert [field.get_attribute("value") for field in (low, high)] == ["0,25", "1234,5"]

    replace_text(low, "1.5")
    low.send_keys(Keys.TAB)
    dashboard.wait_for("like 1234,5 or 1.234,5.")
    replace_text(low, "1,5")
    dashboard.click("button", "Save")
    dashboard.wait_for("0 members")

    assert value_of(dashboard, segment_id) == [1.5, 1234.5]


def test_a_list_of_numbers_is_in_the_format_of_the_language(dashboard: Dashboard) -> None:
    dashboard.browser.execute_cdp_cmd("Emulation.setLocaleOverride", {"locale": "de-DE"})
    segment_id = edit_condition(dashboard, operator="IN", value=[1, 2.5])
    entry = dashboard.find("input", "Values")

    entry.send_keys("1.5", Keys.ENTER)
    dashboard.wait_for("“1.5”: Write a number in your browser’s format, like 1234,5 or 1.234,5.")
    dashboard.check_accessibility()
    dashboard.click("button", "Remove 1.5")
    entry.send_keys("1.500,5", Keys.ENTER)
    dashboard.click("button", "Remove 2,5")
    dashboard.click("button", "Save")
    dashboard.wait_for("0 members")

    assert value_of(dashboard, segment_id) == [1, 1500.5]


def test_a_refused_bound_does_not_leave_a_filter_without_it(dashboard: Dashboard) -> None:
    edit_condition(dashboard, path="birthdate", operator="YEARS_AGO", value=[18, 30])
    low = dashboard.find("input", "Years, at least")

    replace_text(low, "20.5")
    low.send_keys(Keys.TAB)

    dashboard.wait_for("Write a whole number, like 1500 or 1,500.")
    dashboard.wait_for("1 condition not finished, and left out.")


def test_a_time_keeps_its_seconds(dashboard: Dashboard) -> None:
    span = {"from": "2026-03-01T10:20:30.123456Z", "to": "2026-03-02T10:20:30Z"}
    event = {"event": {"name": "order", "within": {"between": span}}}
    segment_id = dashboard.create_segment("Buyers", {"filter": {"all": [event]}})
    stored = dashboard.execute(READ_FILTER, id=segment_id)["filter"]["all"][0]["event"]["within"]
    dashboard.open(f"/app/segments/{segment_id}/edit")
    dashboard.wait_for("0 stay")
    start, end = dashboard.find("input", "From"), dashboard.find("input", "To")
    assert start.get_attribute("value") == "2026-03-01T10:20:30.123"
    assert end.get_attribute("value") == "2026-03-02T10:20:30"
    assert not dashboard.browser.find_elements("css selector", "input:invalid")

    # Month, day, year, hour and minute come before the seconds.
    end.send_keys(*[Keys.TAB] * 5, "45")
    dashboard.wait_until(lambda: end.get_attribute("value") == "2026-03-02T10:20:45")
    dashboard.click("button", "Save")
    dashboard.wait_for("0 members")

    (condition,) = dashboard.execute(READ_FILTER, id=segment_id)["filter"]["all"]
    saved = condition["event"]["within"]["between"]
    assert saved["from"] == stored["between"]["from"]
    assert datetime.fromisoformat(saved["to"]) == datetime(2026, 3, 2, 10, 20, 45, tzinfo=UTC)


def edit_condition(dashboard: Dashboard, path: str = "orders.averageAmount", **fields: Any) -> str:
    """Opens the editor of a new segment with one condition; returns the id of the segment."""
    condition = {"attribute": {"path": path, **fields}}
    segment_id = dashboard.create_segment("Some", {"filter": {"all": [condition]}})
    dashboard.open(f"/app/segments/{segment_id}/edit")
    dashboard.wait_for("0 stay")
    return segment_id


def value_of(dashboard: Dashboard, segment_id: str) -> Any:
    """Returns the value of the only condition, from the API."""
    (condition,) = dashboard.execute(READ_FILTER, id=segment_id)["filter"]["all"]
    return condition["attribute"]["value"]
