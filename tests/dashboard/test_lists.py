"""Fixed lists in a browser: made by pasting, uploading and ticking, renamed, and copied."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.remote.webelement import WebElement

from app.domain.search import search_fields
from tests.dashboard.conftest import SETUP_SECONDS
from tests.dashboard.dashboard import Dashboard, choose, copied_text, let_copy, replace_text, select

pytestmark = pytest.mark.timeout(SETUP_SECONDS)

# More than one request looks up: each takes 1,000 sourceIds or emails.
UPLOADED = 1_100
CUSTOMERS_PER_EMAIL = 15
NOW = datetime(2026, 3, 29, tzinfo=UTC)
MAX_SHOW_MILLISECONDS = 500
# Types as a paste does: at once, and not key by key.
PASTE = """
const [field, text] = arguments;
Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set.call(field, text);
field.dispatchEvent(new Event("input", {bubbles: true}));
"""
# Clicks, and returns how many milliseconds the page takes to show what comes of it.
MEASURE_CLICK = """
const [button, done] = arguments;
const start = performance.now();
button.click();
requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)));
"""
READ_LIST = """
query($id: ID!) { segment(id: $id) {
  name description kind members(first: 1000) { nodes { sourceId } pageInfo { hasNextPage } }
} }
"""


@pytest.fixture(autouse=True)
def customers(dashboard: Dashboard) -> None:
    dashboard.create_customers("anna", name="Anna", email="Anna@shop.example")
    dashboard.create_customers("ben", name="Ben", email="ben@shop.example")
    dashboard.create_customers("cleo", "dora", name="Team", email="team@shop.example")


def shown_list(dashboard: Dashboard) -> Any:
    """The segment whose page is shown, from the API."""
    id_ = dashboard.browser.current_url.rpartition("/")[2]
    return dashboard.execute(READ_LIST, id=id_)


def members_of(list_: Any) -> set[str]:
    return {customer["sourceId"] for customer in list_["members"]["nodes"]}


def paste(dashboard: Dashboard, text: str) -> None:
    field = dashboard.find("textarea", "Source ids or emails, one per line")
    dashboard.browser.execute_script(PASTE, field, text)
    dashboard.click("button", "Look up and add")


def filter_by_name(dashboard: Dashboard, name: str) -> None:
    dashboard.click("summary", "Filter")
    choose(dashboard, "Attribute", "Name")
    select(dashboard, "Operator", "is")
    dashboard.find("input", "Value").send_keys(name)


def insert_customers(
    client: MongoClient[dict[str, object]], database: str, name: str, count: int
) -> list[str]:
    """Inserts customers without the API, which takes longer. Returns their sourceIds."""
    source_ids = [f"{name}-{number:05}" for number in range(count)]
    required = {"createdAt": NOW, "updatedAt": NOW, "version": 1, "name": name}
    rows = ({"sourceId": source_id, **required} for source_id in source_ids)
    client[database].customers.insert_many([{**row, **search_fields(row)} for row in rows])
    return source_ids


def click_quickly(dashboard: Dashboard, button: WebElement) -> None:
    duration = dashboard.browser.execute_async_script(MEASURE_CLICK, button)
    assert duration < MAX_SHOW_MILLISECONDS


def create(dashboard: Dashboard, name: str) -> None:
    dashboard.find("input", "Name").send_keys(name)
    dashboard.click("button", "Create the list")


def unknown_values(dashboard: Dashboard) -> list[str]:
    field = dashboard.find("textarea", "Not found, with the numbers of the lines")
    return (field.get_attribute("value") or "").splitlines()


def test_every_pasted_line_is_accounted_for(dashboard: Dashboard) -> None:
    dashboard.open("/app/segments")
    dashboard.click("a", "New fixed list")
    dashboard.wait_for("0 customers in the list")
    assert dashboard.focused() == dashboard.find("input", "Name")
    dashboard.check_accessibility()

    paste(
        dashboard,
        "anna\nzoe\n\nBEN@shop.example\nanna\nanna@shop.example\nteam@shop.example\nno@shop.example",
    )

    dashboard.wait_for("4 customers in the list")
    for line in ("4 customers added", "2 duplicates left out", "2 values not found"):
        assert line in dashboard.text()
    assert "1 email of several customers" in dashboard.text()
    assert unknown_values(dashboard) == ["2: zoe", "8: no@shop.example"]
    let_copy(dashboard)
    dashboard.click("button", "Copy the values not found")
    dashboard.wait_for("2 values copied")
    assert copied_text(dashboard) == "zoe\nno@shop.example"
    dashboard.check_appearance()
    dashboard.find("input", "Description").send_keys("From the fair")
    create(dashboard, "Chosen")

    dashboard.wait_for("4 members")
    list_ = shown_list(dashboard)
    assert (list_["name"], list_["description"]) == ("Chosen", "From the fair")
    assert (list_["kind"], members_of(list_)) == ("STATIC", {"anna", "ben", "cleo", "dora"})
    dashboard.check_browser_logs()


def test_a_file_is_uploaded_by_the_chosen_column(dashboard: Dashboard, tmp_path: Path) -> None:
    source_ids = [f"customer,{number}" for number in range(UPLOADED)]
    for start in range(0, UPLOADED, 1_000):
        dashboard.create_customers(*source_ids[start : start + 1_000])
    file = tmp_path / "customers.csv"
    lines = ["name;id", "Anna;anna", *(f'x;"{id_}"' for id_ in source_ids), "x;", "Zoe;zoe"]
    file.write_text("\ufeff" + "\r\n".join([*lines, *lines[2:]]), "utf-8")
    dashboard.open("/app/segments/new/list")

    dashboard.find("input", "Or a CSV or text file").send_keys(str(file))
    dashboard.wait_for("2,206 lines")
    assert dashboard.is_off("button", "Look up and add")
    select(dashboard, "Which column has the customers?", "Column 2: id, anna, …")
    dashboard.click("input", "The first line is a heading")
    dashboard.check_accessibility()
    dashboard.click("button", "Look up and add")

    dashboard.wait_for("1,101 customers in the list")
    for line in ("1,101 duplicates", "2 lines without a value", "1 value not found"):
        assert line in dashboard.text()
    assert unknown_values(dashboard) == ["1104: zoe"]
    create(dashboard, "Uploaded")
    dashboard.wait_for("1,101 members")
    assert shown_list(dashboard)["members"]["pageInfo"]["hasNextPage"]


def test_a_file_replaces_pasted_text_only_after_a_question(
    dashboard: Dashboard, tmp_path: Path
) -> None:
    file = tmp_path / "team.txt"
    file.write_text("cleo\ndora\n")
    dashboard.open("/app/segments/new/list")
    text_field = dashboard.find("textarea", "Source ids or emails, one per line")
    file_field = dashboard.find("input", "Or a CSV or text file")
    text_field.send_keys("anna")

    file_field.send_keys(str(file))
    dashboard.wait_for("Replace the pasted text by team.txt?")
    dashboard.check_appearance()
    dashboard.click("button", "Keep the text")
    assert dashboard.focused() == file_field
    assert file_field.get_attribute("value") == ""
    assert text_field.get_attribute("value") == "anna"
    file_field.send_keys(str(file))
    dashboard.click("button", "Replace the text")
    assert dashboard.focused() == file_field
    assert text_field.get_attribute("value") == ""
    dashboard.wait_for("2 lines")
    dashboard.click("button", "Look up and add")
    dashboard.wait_for("2 customers in the list")

    text_field.send_keys("ben")
    dashboard.wait_for("1 line\n")
    dashboard.click("button", "Look up and add")
    dashboard.wait_for("3 customers in the list")
    file_field.send_keys(str(file))
    dashboard.wait_for("2 lines")
    assert "Replace the pasted text" not in dashboard.text()


def test_many_emails_are_looked_up(dashboard: Dashboard, tmp_path: Path) -> None:
    for number in range(3):
        names = (f"{number}-{each}" for each in range(CUSTOMERS_PER_EMAIL))
        dashboard.create_customers(*names, email=f"All-{number}@shop.example")
    file = tmp_path / "emails.txt"
    unknown = [f"nobody-{number}@shop.example" for number in range(UPLOADED)]
    known = [f"all-{number}@shop.example" for number in range(3)]
    file.write_text("\n".join([*unknown, *known]))
    dashboard.open("/app/segments/new/list")

    dashboard.find("input", "Or a CSV or text file").send_keys(str(file))
    dashboard.click("button", "Look up and add")

    dashboard.wait_for(f"{3 * CUSTOMERS_PER_EMAIL} customers in the list")
    assert len(unknown_values(dashboard)) == UPLOADED


def test_all_who_match_a_filter_are_added(
    dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.schema.project.MAX_STATIC_MEMBERS", 250)
    dashboard.create_customers(*(f"vip-{number:03}" for number in range(249)), name="Vip")
    dashboard.open("/app/segments/new/list")
    dashboard.wait_for("253 customers match, and a list has at most 250.")
    filter_by_name(dashboard, "Vip")

    dashboard.click("button", "Add all 249")

    dashboard.wait_for("249 customers in the list")
    dashboard.wait_for("All who match a filter: 249 customers")
    dashboard.click("input", "vip-007")
    dashboard.wait_for("248 customers in the list")
    assert not dashboard.find("input", "vip-007").is_selected()
    dashboard.browser.refresh()
    dashboard.wait_for("The list that you began in this tab is back.")
    dashboard.wait_for("248 customers in the list")
    dashboard.find("input", "Name, email, phone or source id").send_keys("vip")
    dashboard.find("button", "Add all 249")
    dashboard.wait_until(dashboard.find("input", "vip-006").is_selected, "vip-006 ticked")
    assert not dashboard.find("input", "vip-007").is_selected()
    dashboard.check_accessibility()
    dashboard.check_narrow_screen()
    dashboard.click("button", "Remove all")
    dashboard.wait_for("0 customers in the list")
    dashboard.click("input", "vip-010")
    with_shift = ActionChains(dashboard.browser).key_down(Keys.SHIFT)
    with_shift.click(dashboard.find("input", "vip-005")).key_up(Keys.SHIFT).perform()
    dashboard.wait_for("6 customers in the list")
    create(dashboard, "Chosen")
    dashboard.wait_for("6 members")
    assert members_of(shown_list(dashboard)) == {f"vip-{number:03}" for number in range(5, 11)}


def test_a_list_of_20000_by_filter_search_and_paste(
    dashboard: Dashboard, mongo_client: MongoClient[dict[str, object]], database: str
) -> None:
    filtered = insert_customers(mongo_client, database, "Vip", 9_000)
    found = insert_customers(mongo_client, database, "Fair", 1_000)
    pasted = insert_customers(mongo_client, database, "Post", 10_001)
    dashboard.open("/app/segments/new/list")
    search = dashboard.find("input", "Name, email, phone or source id")
    search.send_keys("fair")
    dashboard.click("button", "Add all 1,000")
    dashboard.wait_for("1,000 customers in the list")
    search.send_keys(Keys.CONTROL, "a", Keys.BACKSPACE)
    filter_by_name(dashboard, "Vip")
    dashboard.click("button", "Add all 9,000")
    dashboard.wait_for("10,000 customers in the list")

    paste(dashboard, "\n".join([*pasted, *filtered[:10]]))

    dashboard.wait_for("20,001 customers in the list")
    dashboard.wait_for("10 customers already in the list")
    dashboard.wait_for("1 customer too many: remove them, or use a filter.")
    click_quickly(dashboard, dashboard.find("button", "Next"))
    assert "51 to 100 of 11,011" in dashboard.text()
    dashboard.find("input", "Search in the list").send_keys(pasted[-1])
    click_quickly(dashboard, dashboard.find("button", f"Remove {pasted[-1]}"))
    dashboard.wait_for("20,000 customers in the list")
    dashboard.browser.refresh()
    dashboard.wait_for("The list that you began in this tab is back.")
    dashboard.wait_for("20,000 customers in the list")
    dashboard.check_accessibility()
    create(dashboard, "Everybody")
    dashboard.wait_for("20,000 members")
    id_ = dashboard.browser.current_url.rpartition("/")[2]
    named = {"path": "sourceId", "operator": "IN", "value": [*found, pasted[-1]]}
    assert dashboard.execute(
        "query($filter: FilterInput!) { customers(filter: $filter) { totalCount } }",
        filter={"all": [{"segment": {"id": id_}}, {"attribute": named}]},
    ) == {"totalCount": len(found)}
    dashboard.check_browser_logs()


def test_found_customers_are_ticked_and_removed_by_keyboard(dashboard: Dashboard) -> None:
    dashboard.open("/app/segments/new/list")
    dashboard.find("input", "Name, email, phone or source id").send_keys("team")
    dashboard.wait_until(lambda: "Team" in dashboard.text() and "Anna" not in dashboard.text())
    dashboard.find("input", "All shown customers").send_keys(Keys.SPACE)
    dashboard.wait_for("2 customers in the list")
    replace_text(dashboard.find("input", "Name, email, phone or source id"), "ben@shop")
    dashboard.find("input", "ben").send_keys(Keys.SPACE)
    dashboard.wait_for("3 customers in the list")
    dashboard.check_accessibility()

    dashboard.find("button", "Remove cleo").send_keys(Keys.ENTER)

    dashboard.wait_for("2 customers in the list")
    assert dashboard.focused().get_attribute("aria-label") == "Remove dora"
    dashboard.press(Keys.ENTER)
    dashboard.wait_for("1 customer in the list")
    create(dashboard, "Ticked")
    dashboard.wait_for("1 member")
    assert members_of(shown_list(dashboard)) == {"ben"}


def test_deleted_customers_are_named_and_taken_off_the_list(dashboard: Dashboard) -> None:
    dashboard.open("/app/segments/new/list")
    paste(dashboard, "anna\nben")
    dashboard.wait_for("2 customers in the list")
    dashboard.execute(
        'mutation { customerDelete(customer: {sourceId: "ben"}) { userErrors { code } } }'
    )

    create(dashboard, "Chosen")

    dashboard.wait_for("No longer in the shop, and so taken off the list: ben.")
    dashboard.wait_for("1 customer in the list")
    dashboard.click("button", "Create the list")
    dashboard.wait_for("1 member")
    assert members_of(shown_list(dashboard)) == {"anna"}


def test_a_list_is_renamed_and_copied_with_changes(dashboard: Dashboard) -> None:
    refs = [{"sourceId": "anna"}, {"sourceId": "ben"}]
    id_ = dashboard.create_segment("Chosen", {"customers": refs})
    name_filter = {"attribute": {"path": "name", "operator": "IN", "value": ["Ben", "Team"]}}
    dashboard.create_segment("Others", {"filter": name_filter})
    dashboard.open(f"/app/segments/{id_}")
    dashboard.click("button", "Rename")
    name = dashboard.find("input", "New name")
    dashboard.check_accessibility()
    replace_text(name, "Renamed")
    dashboard.find("textarea", "Description").send_keys("By hand")
    dashboard.click("button", "Save")
    dashboard.wait_for("Renamed")
    dashboard.wait_for("By hand")
    assert dashboard.execute(READ_LIST, id=id_)["description"] == "By hand"

    dashboard.click("a", "Make a changed copy")
    dashboard.wait_for("Changed copy of “Renamed”")
    dashboard.click("button", "Remove anna")
    paste(dashboard, "dora")
    dashboard.wait_for("2 customers in the list")
    choose(dashboard, "Segment", "Others")
    dashboard.click("button", "Add all 3 of “Others”")
    dashboard.wait_for("3 customers in the list")
    dashboard.check_appearance()
    create(dashboard, "Copy")

    dashboard.wait_for("3 members")
    assert members_of(shown_list(dashboard)) == {"ben", "cleo", "dora"}
    assert members_of(dashboard.execute(READ_LIST, id=id_)) == {"anna", "ben"}


def test_a_list_with_too_many_customers_is_not_created(
    dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.schema.project.MAX_STATIC_MEMBERS", 2)
    dashboard.open("/app/segments/new/list")
    paste(dashboard, "anna\nben\ncleo")
    dashboard.wait_for("1 customer too many: remove them, or use a filter.")
    dashboard.find("input", "Name").send_keys("Chosen")
    assert dashboard.is_off("button", "Create the list")
    dashboard.check_accessibility()

    dashboard.click("button", "Remove anna")

    dashboard.wait_for("2 customers in the list")
    dashboard.click("button", "Create the list")
    dashboard.wait_for("2 members")


def test_a_name_that_is_taken_is_refused(dashboard: Dashboard) -> None:
    dashboard.create_segment("Chosen", {"customers": [{"sourceId": "anna"}]})
    dashboard.open("/app/segments/new/list")
    paste(dashboard, "ben")
    dashboard.wait_for("1 customer in the list")

    create(dashboard, "Chosen")

    dashboard.wait_for("TAKEN")
    assert "1 customer in the list" in dashboard.text()
