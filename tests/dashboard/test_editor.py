"""How a filter is edited in a browser: by keyboard, in each kind of field, and as JSON."""

import json
from datetime import UTC, datetime

import pytest
from selenium.webdriver import Keys

from tests.dashboard.conftest import SETUP_SECONDS
from tests.dashboard.dashboard import Dashboard, press_with, replace_text, select
from tests.dashboard.editor import ANNA, READ_FILTER, count_elements, create_people, segment_of

pytestmark = pytest.mark.timeout(SETUP_SECONDS)

CONDITIONS = 50
MAX_KEY_MS = 100
MAX_KEY_RATIO = 4
MEASURE_KEYS = """
window.keyTimes = [];
document.addEventListener("keydown", () => {
  const start = performance.now();
  requestAnimationFrame(() => setTimeout(() => keyTimes.push(performance.now() - start)));
}, true);
"""
AWAIT_KEY = """
const [count, done] = arguments;
const check = () => keyTimes.length > count ? done(keyTimes[count]) : requestAnimationFrame(check);
check();
"""
PASTE = """
const [field, text] = arguments;
const clipboardData = new DataTransfer();
clipboardData.setData("text", text);
const options = {clipboardData, bubbles: true, cancelable: true};
field.dispatchEvent(new ClipboardEvent("paste", options));
"""
AMOUNT_IS = {"path": "amount", "operator": "IS"}


@pytest.fixture(autouse=True)
def customers(dashboard: Dashboard) -> None:
    create_people(dashboard)


def test_a_filter_is_made_by_keyboard_alone(dashboard: Dashboard) -> None:
    dashboard.open("/app/segments/new")
    dashboard.find("button", "+ Attribute").send_keys(Keys.ENTER)
    dashboard.wait_until(lambda: label_of_focus(dashboard) == "Attribute")
    assert len(dashboard.browser.find_elements("css selector", ".part")) == 2
    dashboard.press("em")
    dashboard.wait_for("email, text")
    dashboard.check_accessibility()
    dashboard.press(Keys.ENTER)
    dashboard.wait_until(lambda: label_of_focus(dashboard) == "Operator")
    dashboard.press("has a", Keys.TAB)
    dashboard.wait_for("1 customer\n")

    dashboard.find("button", "Remove").send_keys(Keys.ENTER)
    dashboard.wait_until(lambda: label_of_focus(dashboard) == "Move up")
    assert count_parts(dashboard) == 1
    press_with(dashboard, Keys.CONTROL, "g")
    dashboard.wait_until(lambda: count_parts(dashboard) == 2, "a group around the condition")
    assert label_of_focus(dashboard) == "Move up"
    press_with(dashboard, Keys.CONTROL, "d")
    dashboard.wait_until(lambda: count_parts(dashboard) == 3, "a copy of the condition")
    assert label_of_focus(dashboard) == "Attribute"
    press_with(dashboard, Keys.CONTROL, Keys.SHIFT, "g")
    dashboard.wait_until(lambda: shown_parts(dashboard) == ["group", "condition", "condition"])
    assert label_of_focus(dashboard) == "Attribute"
    press_with(dashboard, Keys.ALT, Keys.ARROW_UP)
    dashboard.wait_until(lambda: shown_parts(dashboard) == ["condition", "group", "condition"])
    assert label_of_focus(dashboard) == "Attribute"
    dashboard.press(Keys.TAB, Keys.DELETE)
    dashboard.wait_until(lambda: shown_parts(dashboard) == ["group", "condition"])
    press_with(dashboard, Keys.CONTROL, "z")
    dashboard.wait_until(lambda: shown_parts(dashboard) == ["condition", "group", "condition"])
    press_with(dashboard, Keys.CONTROL, Keys.SHIFT, "z")
    dashboard.wait_until(lambda: shown_parts(dashboard) == ["group", "condition"])

    dashboard.find("input", "Name").send_keys("With email")
    press_with(dashboard, Keys.CONTROL, "s")
    dashboard.wait_for("1 member")
    has_email = {"attribute": {"path": "email", "operator": "HAS_VALUE"}}
    assert segment_of(dashboard)["filter"] == {"all": [{"all": [has_email]}]}


def test_the_name_and_the_description_are_as_wide_as_what_they_describe(
    dashboard: Dashboard,
) -> None:
    for path, described in (("", ".group"), ("/list", ".list-editor")):
        dashboard.open(f"/app/segments/new{path}")
        for label in ("Name", "Description"):
            width = dashboard.find("input", label).size["width"]
            element = dashboard.browser.find_element("css selector", described)
            assert width == element.size["width"]


def test_a_key_is_quick_in_a_large_filter(dashboard: Dashboard) -> None:
    times = measure_keys(dashboard, "Large", CONDITIONS)
    # A busy machine takes longer for a single condition, too.
    limit = max(MAX_KEY_MS, MAX_KEY_RATIO * measure_keys(dashboard, "Small", 1))
    assert times < limit


def measure_keys(dashboard: Dashboard, name: str, conditions: int) -> float:
    """Returns the milliseconds from a key to the painted page, for so many conditions.

    It is the lower quartile: a busy machine adds to the time of some keys. Of two fields the slower
    one counts.
    """
    segment_id = dashboard.create_segment(name, {"filter": {"any": [ANNA] * conditions}})
    dashboard.open(f"/app/segments/{segment_id}/edit")
    dashboard.wait_for("2 stay")
    dashboard.browser.execute_script(MEASURE_KEYS)
    quartiles = []
    for label in ("Value", "Attribute"):
        dashboard.find("input", label).click()
        times = [press_and_measure(dashboard, letter) for letter in "email"]
        quartiles.append(sorted(times)[len(times) // 4])
    return max(quartiles)


def press_and_measure(dashboard: Dashboard, key: str) -> float:
    """Returns the milliseconds until the page has been painted after the key."""
    count = dashboard.browser.execute_script("return keyTimes.length")
    dashboard.press(key)
    milliseconds: float = dashboard.browser.execute_async_script(AWAIT_KEY, count)
    return milliseconds


def test_windows_of_events_are_edited(dashboard: Dashboard) -> None:
    dashboard.execute(
        'mutation { eventsTrack(inputs: [{customer: {sourceId: "ben"}, name: "visit"}])'
        " { accepted } }"
    )
    filter_ = {"event": {"name": "visit", "within": {"ago": {"from": "P9D", "to": "P2D"}}}}
    segment_id = dashboard.create_segment("Visitors", {"filter": filter_})
    dashboard.open(f"/app/segments/{segment_id}/edit")
    dashboard.wait_for("0 stay")
    end = dashboard.find("input", "Ago, at least")
    end.send_keys(Keys.CONTROL, "a")
    end.send_keys(Keys.DELETE)
    dashboard.wait_for("1 condition not finished, and left out.")
    select(dashboard, "Unit of: Ago, at least", "minutes")
    end.send_keys("3")
    dashboard.wait_for("from 9 days to 3 minutes ago")
    select(dashboard, "Unit of: Ago, at least", "hours")
    dashboard.wait_for("from 9 days to 3 hours ago")
    select(dashboard, "Time", "between two times")
    dashboard.wait_for("1 condition not finished, and left out.")
    # The project's time zone counts, not that of the browser.
    zone = {"timezoneId": "Asia/Tokyo"}
    dashboard.browser.execute_cdp_cmd("Emulation.setTimezoneOverride", zone)
    dashboard.wait_for("UTC time")
    set_time(dashboard, "From", "2020-01-02T03:04")
    set_time(dashboard, "To", "2099-01-01T00:00")
    dashboard.wait_for("1 customer\n")
    dashboard.check_accessibility()
    dashboard.click("button", "Save")

    dashboard.wait_for("1 member")
    (condition,) = segment_of(dashboard)["filter"]["all"]
    within = condition["event"]["within"]["between"]
    times = datetime(2020, 1, 2, 3, 4, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC)
    assert tuple(datetime.fromisoformat(within[key]) for key in ("from", "to")) == times


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

    dashboard.wait_for("1 member")
    assert segment_of(dashboard)["filter"] == before


def count_parts(dashboard: Dashboard) -> int:
    return len(shown_parts(dashboard))


def shown_parts(dashboard: Dashboard) -> list[str]:
    """The kinds of all parts of the filter, from above."""
    kinds: list[str] = dashboard.browser.execute_script(
        "return [...document.querySelectorAll('.part')].map(part =>"
        " part.querySelector('fieldset') ? 'group' : 'condition')"
    )
    return kinds


def set_time(dashboard: Dashboard, label: str, time: str) -> None:
    """Fills in a time. How keys do that depends on the language of the browser."""
    dashboard.browser.execute_script(
        "const [field, time] = arguments;"
        "const {set} = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value');"
        "set.call(field, time);"
        "field.dispatchEvent(new Event('input', {bubbles: true}));",
        dashboard.find("input", label),
        time,
    )


def label_of_focus(dashboard: Dashboard) -> str | None:
    return dashboard.focused().get_attribute("aria-label")


def test_a_segment_that_cannot_be_edited_leads_to_a_copy(dashboard: Dashboard) -> None:
    dashboard.create_customers("anna")
    id_ = dashboard.create_segment("Chosen", {"customers": [{"sourceId": "anna"}]})

    dashboard.open(f"/app/segments/{id_}/edit")

    dashboard.wait_for("“Chosen” can’t be edited")
    dashboard.check_accessibility()
    dashboard.click("a", "Make a changed copy")
    dashboard.wait_for("Changed copy of “Chosen”")

    id_ = dashboard.create_segment("Annas", {"filter": ANNA})
    outer = {"segment": {"id": id_}}
    dashboard.create_segment("All Annas", {"filter": outer})
    dashboard.open(f"/app/segments/{id_}/edit")
    dashboard.wait_for("Saving another filter changes them, too:\nSegment “All Annas”")
    dashboard.check_accessibility()
    dashboard.create_distribution(id_)
    dashboard.browser.refresh()
    dashboard.wait_for("Distribution “Welcome”")
    dashboard.check_accessibility()
    dashboard.click("a", "Duplicate as passive")
    dashboard.wait_for("2 customers")


def test_an_amount_says_what_unit_it_takes(dashboard: Dashboard) -> None:
    amount = {"function": "SUM", "property": "amount"}
    filters = [
        {"attribute": {"path": "orders.totalAmount", "operator": "GREATER_THAN", "value": 1250}},
        {"event": {"name": "order", "aggregate": amount, "operator": "BETWEEN", "value": [1, 2]}},
        {"event": {"name": "order.item", "where": [{**AMOUNT_IS, "value": 5}]}},
        {"attribute": {"path": "orders.totalAmount", "operator": "HAS_VALUE"}},
        {"attribute": {"path": "orders.totalCount", "operator": "GREATER_THAN", "value": 1}},
        {"event": {"name": "order", "aggregate": {**amount, "function": "DISTINCT_COUNT"}}},
    ]
    segment_id = dashboard.create_segment("Spenders", {"filter": {"any": filters}})
    dashboard.open(f"/app/segments/{segment_id}/edit")
    dashboard.wait_for("3 stay")

    hinted = dashboard.browser.find_elements("css selector", ".number-field[aria-describedby]")

    assert [field.get_attribute("value") for field in hinted] == ["1250", "1", "2", "5"]
    assert dashboard.text().count("in minor units (12.50 is 1250)") == 3
    dashboard.check_appearance()


def test_segments_that_contain_the_edited_one_cannot_be_chosen(dashboard: Dashboard) -> None:
    edited_id = dashboard.create_segment("Annas", {"filter": ANNA})
    direct_id = dashboard.create_segment("Direct", {"filter": {"segment": {"id": edited_id}}})
    dashboard.create_segment("Indirect", {"filter": {"segment": {"id": direct_id}}})
    dashboard.create_segment("Others", {"filter": ANNA})
    dashboard.open(f"/app/segments/{edited_id}/edit")
    dashboard.click("button", "+ Segment")
    field = dashboard.find("input", "Segment")
    field.click()

    expected = [
        ("Others", None),
        ("Annas", "Passive, is the segment that you edit"),
        ("Direct", "Passive, contains the segment that you edit"),
        ("Indirect", "Passive, contains the segment that you edit"),
    ]
    dashboard.wait_until(lambda: shown_options(dashboard) == expected)
    dashboard.check_accessibility()
    field.send_keys(Keys.ARROW_UP, Keys.ENTER)
    assert len(shown_options(dashboard)) == 4
    field.send_keys(Keys.ARROW_DOWN, Keys.ENTER)
    dashboard.wait_until(lambda: field.get_attribute("value") == "Others")


def shown_options(dashboard: Dashboard) -> list[tuple[str, str | None]]:
    """Returns the names of the shown options, and the second line of each that is disabled."""
    options = dashboard.browser.find_elements("css selector", "[role=option]")
    return [
        (name, detail if option.get_attribute("aria-disabled") == "true" else None)
        for option in options
        for name, detail in [option.text.split("\n")]
    ]


def test_a_list_of_values_is_pasted_and_edited(dashboard: Dashboard) -> None:
    dashboard.create_customers("dot", name="Doe, Dot")
    filter_ = {"attribute": {"path": "name", "operator": "IN", "value": ["Anna"]}}
    segment_id = dashboard.create_segment("Chosen", {"filter": filter_})
    dashboard.open(f"/app/segments/{segment_id}/edit")
    dashboard.wait_for("2 stay")
    entry = dashboard.find("input", "Values")
    entry.send_keys("Doe, Dot", Keys.ENTER)
    dashboard.wait_for("3 customers")
    entry.send_keys("B")
    dashboard.wait_until(lambda: count_elements(dashboard, "option[value=Ben]") == 1, "Ben")
    entry.send_keys(Keys.CONTROL, "a")
    entry.send_keys(Keys.DELETE)
    pasted = "Ben\tAnna; Cleo\n" + ",".join(f"x{number}" for number in range(60))
    dashboard.browser.execute_script(PASTE, entry, pasted)
    dashboard.wait_for("4 customers")
    dashboard.wait_for("and 14 more")
    assert count_elements(dashboard, ".chip") == 50
    dashboard.check_appearance()

    # One Tab reaches the values; arrows go from one to the next.
    entry.send_keys(Keys.TAB)
    dashboard.press(Keys.ARROW_RIGHT)
    assert label_of_focus(dashboard) == "Remove Doe, Dot"
    dashboard.press(Keys.ENTER)
    dashboard.wait_for("3 customers")
    assert label_of_focus(dashboard) == "Remove Ben"
    dashboard.press(Keys.TAB, Keys.ENTER)
    dashboard.wait_until(lambda: label_of_focus(dashboard) == "Values, one per line")
    replace_text(dashboard.focused(), "Doe, Dot\nBen")
    dashboard.check_accessibility()
    dashboard.press(Keys.TAB, Keys.ENTER)
    dashboard.wait_until(lambda: label_of_focus(dashboard) == "Values")
    dashboard.wait_for("2 customers")
    dashboard.click("button", "Save")

    dashboard.wait_for("2 members")
    (condition,) = segment_of(dashboard)["filter"]["all"]
    assert condition["attribute"]["value"] == ["Doe, Dot", "Ben"]
    dashboard.check_browser_logs()


def test_a_filter_is_shown_and_taken_as_json(dashboard: Dashboard) -> None:
    segment_id = dashboard.create_segment("Annas", {"filter": {"all": [ANNA]}})
    dashboard.open(f"/app/segments/{segment_id}/edit")
    dashboard.wait_for("2 stay")
    dashboard.find("button", "As JSON").send_keys(Keys.ENTER)
    text = dashboard.find("textarea", "FilterInput of the API")
    assert json.loads(text.get_attribute("value") or "") == {"all": [ANNA]}
    dashboard.check_appearance()
    for wrong, reason in {"{": "This is no JSON", "{}": "no filter of the API"}.items():
        replace_text(text, wrong)
        dashboard.click("button", "Use this filter")
        dashboard.wait_for(reason)
    unknown = {"attribute": {"path": "metadata.tier", "operator": "IS", "value": "gold"}}
    replace_text(text, json.dumps({"any": [ANNA, unknown]}))
    dashboard.click("button", "Use this filter")
    dashboard.wait_until(lambda: dashboard.focused().text == "As JSON", "the focus")
    dashboard.wait_for("No customer has a value at 'metadata.tier'")
    dashboard.check_accessibility()

    dashboard.click("button", "From Voucherify")
    text = dashboard.find("textarea", "“filter” of a Voucherify segment")
    unsupported = {"junction": "and", "shoe_size": {"conditions": {"$is": ["40"]}}}
    text.send_keys(json.dumps(unsupported))
    dashboard.click("button", "Convert and use")
    dashboard.wait_for("shoe_size: ")
    dashboard.check_accessibility()
    supported = {"junction": "and", "name": {"conditions": {"$is": ["Ben"]}}}
    replace_text(text, json.dumps(supported))
    dashboard.click("button", "Convert and use")
    dashboard.wait_for("+1 would enter, −2 would leave")
    press_with(dashboard, Keys.CONTROL, "z")
    dashboard.wait_for("0 would leave")
    dashboard.check_browser_logs()
