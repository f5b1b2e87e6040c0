"""The list of segments in a browser."""

from datetime import timedelta

import pytest

from app.settings import Settings
from tests.api import ALL_CUSTOMERS_FILTER
from tests.dashboard.conftest import SETUP_SECONDS
from tests.dashboard.dashboard import REFUSE_REQUESTS, Dashboard, select
from tests.dashboard.sizes import add_sizes

pytestmark = pytest.mark.timeout(SETUP_SECONDS)

STARTERS = {
    "VIPs": "orders.totalCount is at least 5",
    "Gone quiet": "orders.lastOrderAt is more than 90 days ago",
    "Birthday this week": "birthdate has an anniversary",
}
# The responses with histories never come.
HOLD_HISTORIES = """
const send = window.fetch;
window.fetch = (url, options) =>
  options.body.includes("sizeHistory") ? new Promise(() => {}) : send(url, options);
"""
# The responses with the rows of lists never come.
HOLD_ROWS = """
const send = window.fetch;
window.fetch = (url, options) =>
  /query (ListSegments|ListMembers|SearchCustomers)/.test(options.body)
    ? new Promise(() => {})
    : send(url, options);
"""
FIND_DELAYS = """
const animations = document.querySelector(".skeleton[aria-hidden=true]")?.getAnimations() ?? [];
return animations.map(({effect}) => effect.getTiming().delay);
"""
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
    dashboard.check_appearance()
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
    dashboard.wait_for("There is no segment with “out emx” in its name.")
    dashboard.check_accessibility()
    dashboard.click("button", "Show all segments")

    dashboard.wait_for("2 segments")
    assert dashboard.browser.current_url == f"{dashboard.url}/app/segments"
    dashboard.browser.execute_script(REFUSE_REQUESTS)
    dashboard.find("input", "Search by name").send_keys("y")
    dashboard.wait_for("This takes too long.")
    assert list(list_rows(dashboard)) == ["Without email", "Everybody"]


def test_an_empty_shop_has_segments_to_begin_with(dashboard: Dashboard) -> None:
    dashboard.open("/app/segments")
    dashboard.wait_for("There are no segments yet.")
    dashboard.wait_for("Birthday this week")
    dashboard.check_appearance()

    for name, sentence in STARTERS.items():
        dashboard.open("/app/segments")
        dashboard.click("a", name)
        if name != "VIPs":
            dashboard.click("button", "Discard it")
        assert dashboard.find("input", "Name").get_attribute("value") == name
        dashboard.wait_for(sentence)
    dashboard.check_browser_logs()


def test_the_list_is_sorted_by_its_headings(dashboard: Dashboard) -> None:
    for name in ("Beta", "alpha", "Gamma"):
        dashboard.create_segment(name, {"filter": NO_EMAIL})
    dashboard.open("/app/segments")
    dashboard.wait_for("3 segments")
    assert list(list_rows(dashboard)) == ["Beta", "alpha", "Gamma"]

    dashboard.click("button", "Name")
    wait_for_order(dashboard, "alpha", "Beta", "Gamma")
    heading = dashboard.browser.find_element("css selector", "th[aria-sort]")
    assert heading.get_attribute("aria-sort") == "ascending"
    dashboard.check_accessibility()
    dashboard.find("button", "Name ▲").click()
    wait_for_order(dashboard, "Gamma", "Beta", "alpha")
    dashboard.browser.refresh()
    wait_for_order(dashboard, "Gamma", "Beta", "alpha")
    dashboard.click("button", "Edited")
    wait_for_order(dashboard, "Gamma", "alpha", "Beta")
    assert dashboard.browser.current_url.endswith("/app/segments?sort=-edited")


def test_segments_that_nothing_uses_are_found(dashboard: Dashboard) -> None:
    inner = dashboard.create_segment("Inner", {"filter": NO_EMAIL})
    dashboard.create_segment("Outer", {"filter": {"none": [{"segment": {"id": inner}}]}})
    dashboard.open("/app/segments")
    dashboard.wait_for("2 segments")

    select(dashboard, "Used by", "Nothing")

    wait_for_order(dashboard, "Outer")
    assert dashboard.browser.current_url.endswith("?use=none")


def test_the_list_draws_the_sizes_of_thirty_days(dashboard: Dashboard, settings: Settings) -> None:
    counted = dashboard.create_segment("Counted", {"filter": ALL_CUSTOMERS_FILTER})
    larger = dashboard.create_segment("Larger", {"filter": ALL_CUSTOMERS_FILTER})
    counts = {7: 3, 5: 9, 2: 1, 0: 5}
    add_sizes(settings, counted, {timedelta(days=days): count for days, count in counts.items()})
    add_sizes(settings, larger, {timedelta(0): 6})
    dashboard.open("/app/segments")

    line = "[aria-label='From 3 to 5, at least 1, at most 9']"
    dashboard.wait_until(lambda: bool(dashboard.browser.find_elements("css selector", line)))
    rows = list_rows(dashboard)
    assert rows["Counted"]["Last 7 days"] == "+2"
    assert (rows["Larger"]["Last 7 days"], rows["Larger"]["Last 30 days"]) == ("–", "–")
    dashboard.check_accessibility()
    dashboard.click("button", "Customers")
    wait_for_order(dashboard, "Larger", "Counted")


def test_the_list_does_not_wait_for_the_histories(dashboard: Dashboard, settings: Settings) -> None:
    segment_id = dashboard.create_segment("Counted", {"filter": ALL_CUSTOMERS_FILTER})
    add_sizes(settings, segment_id, {timedelta(days=7): 3, timedelta(0): 5})
    dashboard.open("/app/rules")
    dashboard.browser.execute_script(HOLD_HISTORIES)

    dashboard.click("a", "Segments")

    dashboard.wait_for("1 segment\n")
    assert list_rows(dashboard)["Counted"]["Last 7 days"] == "–"
    dashboard.browser.refresh()
    dashboard.wait_for("1 segment\n")
    dashboard.wait_until(lambda: list_rows(dashboard)["Counted"]["Last 7 days"] == "+2")


def test_a_slow_list_shows_a_skeleton(dashboard: Dashboard) -> None:
    segment_id = dashboard.create_segment("Everybody", {"filter": ALL_CUSTOMERS_FILTER})
    dashboard.open(f"/app/segments/{segment_id}/uses")
    dashboard.wait_for("Nothing uses this segment.")
    dashboard.browser.execute_script(HOLD_ROWS)

    for page, text in (
        ("Members", "Loading members …"),
        ("Customers", "Loading customers …"),
        ("Segments", "Loading segments …"),
    ):
        dashboard.click("a", page)
        dashboard.wait_for(text)
        assert dashboard.browser.execute_script(FIND_DELAYS) == [200]
        skeleton = dashboard.browser.find_element("css selector", ".skeleton")
        dashboard.wait_until(skeleton.is_displayed, "the skeleton")
        dashboard.check_accessibility()
    dashboard.check_browser_logs()


def wait_for_order(dashboard: Dashboard, *names: str) -> None:
    dashboard.wait_until(lambda: list(list_rows(dashboard)) == [*names], f"order of {names}")


def list_rows(dashboard: Dashboard) -> dict[str, dict[str, str]]:
    """The texts of each row, by the name of the segment and of the column."""
    rows: list[list[list[str]]] = dashboard.browser.execute_script(
        "return [...document.querySelectorAll('tbody tr')].map(row =>"
        " [...row.cells].map(cell => cell.innerText.split('\\n')))"
    )
    columns = ("Kind", "Customers", "Last 7 days", "Last 30 days", "Used by", "Edited", "Menu")
    return {
        name[0]: {
            "sentence": " ".join(name[1:]).strip(),
            **{column: " ".join(text) for column, text in zip(columns, cells, strict=True)},
        }
        for name, *cells in rows
    }
