"""What the tests of the editor share."""

from typing import Any

from tests.dashboard.dashboard import Dashboard

ANNA = {"attribute": {"path": "name", "operator": "IS", "value": "Anna"}}
READ_FILTER = "query($id: ID!) { segment(id: $id) { name description filter updatedAt } }"


def create_people(dashboard: Dashboard) -> None:
    """Creates two customers with the name Anna, and Ben, who has an email."""
    dashboard.create_customers("anna-1", "anna-2", name="Anna")
    dashboard.create_customers("ben", name="Ben", email="ben@shop.example")


def segment_of(dashboard: Dashboard) -> Any:
    """The segment whose page is shown, from the API."""
    id_ = dashboard.browser.current_url.rpartition("/")[2]
    return dashboard.execute(READ_FILTER, id=id_)


def count_elements(dashboard: Dashboard, selector: str) -> int:
    return len(dashboard.browser.find_elements("css selector", selector))
