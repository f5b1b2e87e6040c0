"""The list of segments in a browser."""

import pytest

from tests.api import ALL_CUSTOMERS_FILTER
from tests.dashboard.conftest import SETUP_SECONDS
from tests.dashboard.dashboard import Dashboard

pytestmark = pytest.mark.timeout(SETUP_SECONDS)

NO_EMAIL = {"attribute": {"path": "email", "operator": "HAS_NO_VALUE"}}


def test_the_list_shows_each_segment_with_its_sentence_and_size(dashboard: Dashboard) -> None:
    dashboard.create_customers("anna", "ben", "cleo")
    dashboard.create_segment("Everybody", {"filter": ALL_CUSTOMERS_FILTER})
    dashboard.create_segment("Chosen", {"customers": [{"sourceId": "anna"}]})

    dashboard.open("/")

    dashboard.wait_for("2 segments")
    dashboard.wait_until(lambda: list_rows(dashboard)["Everybody"]["Customers"] == "3")
    rows = list_rows(dashboard)
    assert dashboard.browser.current_url == f"{dashboard.url}/app/segments"
    assert rows["Everybody"]["Kind"] == "○ Passive"
    assert "sourceId" in rows["Everybody"]["sentence"]
    assert (rows["Chosen"]["Kind"], rows["Chosen"]["Customers"]) == ("■ Static", "1")
    dashboard.check_accessibility()
    dashboard.use_dark_colours()
    dashboard.check_accessibility()
    dashboard.use_width(320)
    assert not dashboard.is_scrolled_sideways()
    dashboard.check_browser_logs()


def test_search_and_kind_are_part_of_the_address(dashboard: Dashboard) -> None:
    dashboard.create_segment("Without email", {"filter": NO_EMAIL})
    dashboard.create_segment("Everybody", {"filter": ALL_CUSTOMERS_FILTER})
    dashboard.open("/app/segments")
    dashboard.wait_for("2 segments")

    dashboard.find("input", "Search by name").send_keys("out em")
    dashboard.wait_for("1 segment\n")
    dashboard.browser.refresh()
    dashboard.wait_for("1 segment\n")
    assert list(list_rows(dashboard)) == ["Without email"]
    dashboard.find("input", "Search by name").send_keys("x")
    dashboard.wait_for("No segment matches the search.")
    dashboard.check_accessibility()
    dashboard.click("button", "Show all segments")

    dashboard.wait_for("2 segments")
    assert dashboard.browser.current_url == f"{dashboard.url}/app/segments"


def test_an_empty_shop_has_no_segments(dashboard: Dashboard) -> None:
    dashboard.open("/app/segments")

    dashboard.wait_for("There are no segments yet.")
    dashboard.check_accessibility()


def list_rows(dashboard: Dashboard) -> dict[str, dict[str, str]]:
    """The texts of each row, by the name of the segment and of the column."""
    rows: list[list[list[str]]] = dashboard.browser.execute_script(
        "return [...document.querySelectorAll('tbody tr')].map(row =>"
        " [...row.cells].map(cell => cell.innerText.split('\\n')))"
    )
    columns = ("Kind", "Customers", "Used by", "Edited")
    return {
        name[0]: {
            "sentence": " ".join(name[1:]).strip(),
            **{column: " ".join(text) for column, text in zip(columns, cells, strict=True)},
        }
        for name, *cells in rows
    }
