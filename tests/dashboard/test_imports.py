"""Customers imported from a file that the browser reads."""

from pathlib import Path

import pytest

from tests.dashboard.conftest import SETUP_SECONDS
from tests.dashboard.dashboard import Dashboard, select

pytestmark = pytest.mark.timeout(SETUP_SECONDS)

# More than one request writes: each takes 1,000 rows.
ROWS = 1_100
DEFINE_TIER = """
mutation { metadataDefinitionSet(input: {key: "tier", type: STRING, allowedValues: ["gold"]}) {
  userErrors { message }
} }
"""
READ_CUSTOMER = """
query($id: String!) { customer(ref: {sourceId: $id}) {
  name birthdate address { city } metadata
} }
"""
COUNT = "{ customers(first: 1) { totalCount } }"


def test_a_file_is_checked_and_imported(dashboard: Dashboard, tmp_path: Path) -> None:
    dashboard.create_customers("known", name="Old", email="old@shop.example")
    file = tmp_path / "customers.csv"
    lines = [
        "id;name;born;address.city;metadata.visits;note",
        "known;New;2000-02-29;Bonn;3;x",
        "no-day;Eve;2001-02-29;;;",
        ";Nobody;;;;",
        "known;Newer;;;;",
        *(f"c-{number};Eve;;;{number};" for number in range(ROWS)),
    ]
    file.write_text("\n".join(lines))
    dashboard.open("/app/segments")
    dashboard.click("a", "Import")
    dashboard.find("input", "CSV file").send_keys(str(file))
    dashboard.wait_for("1,104 rows")
    dashboard.wait_for("Choose the column that has the source id")
    assert dashboard.is_off("button", "Check the file")
    select(dashboard, "id becomes", "Source id")
    select(dashboard, "name becomes", "Name")
    select(dashboard, "born becomes", "Birthdate")
    select(dashboard, "note becomes", "New key: metadata.note")
    dashboard.check_appearance()
    dashboard.click("button", "Check the file")

    dashboard.wait_for("1,100 new customers")
    for line in ("1 customer to update", "1 row about a customer of an earlier row"):
        assert line in dashboard.text()
    assert refused(dashboard, "Left out") == [
        "3: birthdate: “2001-02-29” must be a date as 2026-12-31",
        "4: the source id is missing",
    ]
    assert dashboard.execute(COUNT)["totalCount"] == 1
    dashboard.check_accessibility()
    dashboard.click("button", "Import 1,102 rows")

    dashboard.wait_for("1,102 rows imported, 0 refused.")
    assert dashboard.execute(COUNT)["totalCount"] == ROWS + 1
    assert dashboard.execute(READ_CUSTOMER, id="known") == {
        "name": "Newer",
        "birthdate": "2000-02-29",
        "address": {"city": "Bonn"},
        "metadata": {"visits": 3, "note": "x"},
    }
    dashboard.check_accessibility()
    dashboard.check_browser_logs()


def test_a_file_of_orders_leads_to_the_command(dashboard: Dashboard, tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    file.write_text("Order ID,Email,Order Total\n1,anna@shop.example,12.50\n")
    dashboard.open("/app/import")
    dashboard.find("input", "CSV file").send_keys(str(file))

    dashboard.wait_for("These rows look like orders, and this page imports customers.")
    dashboard.wait_for("The command segments import orders")
    dashboard.check_appearance()
    customers = tmp_path / "customers.csv"
    customers.write_text("sourceId\nanna\nben\n")
    dashboard.find("input", "CSV file").send_keys(str(customers))
    dashboard.wait_for("2 rows")
    assert not dashboard.browser.find_elements("css selector", ".notice")


def test_rows_that_the_server_refuses_are_named(dashboard: Dashboard, tmp_path: Path) -> None:
    assert not dashboard.execute(DEFINE_TIER)["userErrors"]
    file = tmp_path / "customers.csv"
    file.write_text("sourceId,metadata.tier\nanna,gold\nben,silver\n")
    dashboard.open("/app/import")
    dashboard.find("input", "CSV file").send_keys(str(file))
    dashboard.click("button", "Check the file")
    dashboard.click("button", "Import 2 rows")

    dashboard.wait_for("1 row imported, 1 refused.")
    (line,) = refused(dashboard, "Refused by the server")
    assert line.startswith("3: metadata.tier: ")
    assert dashboard.execute(COUNT)["totalCount"] == 1
    dashboard.check_accessibility()


def test_a_file_of_a_spreadsheet_is_imported_as_it_was_written(
    dashboard: Dashboard, tmp_path: Path
) -> None:
    file = tmp_path / "customers.csv"
    text = "sourceId;name\na;Müller, Eva, Dr., Köln\nb;Weiß; Ben\n"
    file.write_text(text, encoding="cp1252")
    dashboard.open("/app/import")
    dashboard.find("input", "CSV file").send_keys(str(file))
    dashboard.click("button", "Check the file")
    dashboard.click("button", "Import 1 row")

    dashboard.wait_for("1 row imported, 0 refused.")
    assert refused(dashboard, "Left out") == ["3: the row has 3 cells, the heading 2"]
    assert dashboard.execute(READ_CUSTOMER, id="a")["name"] == "Müller, Eva, Dr., Köln"


def test_a_file_without_rows_is_refused(dashboard: Dashboard, tmp_path: Path) -> None:
    file = tmp_path / "customers.csv"
    file.write_text("sourceId\n")
    dashboard.open("/app/import")
    dashboard.find("input", "CSV file").send_keys(str(file))

    dashboard.wait_for("The file has no row below its heading.")
    dashboard.check_accessibility()


def refused(dashboard: Dashboard, label: str) -> list[str]:
    field = dashboard.find("textarea", f"{label}, with the numbers of the lines")
    return (field.get_attribute("value") or "").splitlines()
