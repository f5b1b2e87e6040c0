"""What holds on each page of the dashboard: empty, full, and when it can't be loaded."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from pymongo import MongoClient

from app.domain.api_keys import Role
from app.settings import Settings
from tests.browser import reset_browser
from tests.dashboard.conftest import SETUP_SECONDS, RoleKeys
from tests.dashboard.dashboard import COLOUR_RULES, REFUSE_REQUESTS, Dashboard
from tests.dashboard.full_shop import ROOT_PAGES, fill_shop

pytestmark = pytest.mark.timeout(SETUP_SECONDS)

QUIET_MS = 40
GO_TO = """
const [path, quietMs, done] = arguments;
history.pushState(null, "", path);
let quietSince = performance.now();
// Rows out of sight wait until they are in sight.
const isWaiting = () => [...document.querySelectorAll("main .waiting:not(td *)")]
  .some(element => element.textContent.includes("…"));
const isComplete = () => document.title && document.querySelector("main h1")
  && !document.querySelector("main [aria-busy=true]") && !isWaiting();
function check() {
  const now = performance.now();
  if (!isComplete()) quietSince = now;
  if (now - quietSince >= quietMs) done();
  else setTimeout(check, 10);
}
setTimeout(check, 10);
"""
"""Opens a page without loading the program anew, and waits until it waits for nothing."""
READING_CONTROLS = {
    "+ Value",
    "0 new",
    "Copy as GraphQL",
    "Customers",
    "Edited",
    "Find the customer",
    "Name",
    "Pause",
    "⋯",
}
"""The buttons of a page that change nothing on the server."""
LIST_CONTROLS = """
return [...document.querySelectorAll("main button, main .button")]
  .map(element => element.innerText.trim());
"""


def test_every_page_is_accessible_in_each_state(
    dashboard: Dashboard, settings: Settings, mongo_client: MongoClient[dict[str, object]]
) -> None:
    check_pages(dashboard, ROOT_PAGES, "empty")
    pages = fill_shop(dashboard)
    # The program has no secret key, so that one field of this export can't be read.
    finished = {"status": "DONE", "expiresAt": datetime.now(UTC) + timedelta(days=1)}
    mongo_client[settings.database].exports.update_one({}, {"$set": finished})
    check_pages(dashboard, pages, "full")
    go_to(dashboard, next(page for page in pages[::-1] if page.endswith("/exports")))
    assert "Not everything is shown: SEGMENTS_SECRET_KEY is not set" in dashboard.text()
    assert "Done: 0 rows" in dashboard.text()

    script = dashboard.browser.execute_cdp_cmd(
        "Page.addScriptToEvaluateOnNewDocument", {"source": REFUSE_REQUESTS}
    )
    try:
        check_pages(dashboard, differing_pages(pages), "in error")
        assert "This takes too long." in dashboard.text()
    finally:
        dashboard.browser.execute_cdp_cmd(
            "Page.removeScriptToEvaluateOnNewDocument", {"identifier": script["identifier"]}
        )


def differing_pages(pages: list[str]) -> list[str]:
    """Returns one of the pages of each kind: without the tabs of the same object."""
    kinds = {
        re.sub(r"(segments|customers)/([^/]+)/(?!edit|list).*", r"\1/\2", page): page
        for page in pages
    }
    return [*kinds.values()]


def check_pages(dashboard: Dashboard, pages: list[str] | tuple[str, ...], state: str) -> None:
    """Fails if a page has a problem of accessibility, does not fit on a narrow screen, writes an
    error into the console, or asks another host."""
    reset_browser(dashboard.browser)
    dashboard.open("/app/segments")
    dashboard.wait_for("Segments")
    problems = []
    for page in pages:
        go_to(dashboard, page)
        problems += dashboard.find_problems()
    dashboard.show_dark_and_narrow()
    for page in pages:
        go_to(dashboard, page)
        problems += dashboard.find_problems(runOnly={"type": "rule", "values": COLOUR_RULES})
        problems += [page] * dashboard.is_too_wide()
    assert problems == [], state
    dashboard.check_browser_logs()


def test_no_page_shows_a_key_with_the_role_read_what_writes(
    locked_dashboard: tuple[Dashboard, RoleKeys],
) -> None:
    dashboard, keys = locked_dashboard
    pages = fill_shop(dashboard)
    dashboard.open("/app/segments")
    dashboard.browser.execute_script(
        "localStorage.setItem('segments:key', arguments[0])", keys[Role.READ]
    )
    # The page has asked without a key.
    reset_browser(dashboard.browser)
    dashboard.open("/app/segments")
    dashboard.wait_for("3 segments")
    writing = {}
    for page in pages:
        go_to(dashboard, page)
        controls = dashboard.browser.execute_script(LIST_CONTROLS)
        writing[page] = {*controls} - READING_CONTROLS
        if page.endswith(("/new", "/list", "/edit")) or "?from=" in page:
            dashboard.wait_for("This needs a key with the role WRITE. Yours has the role READ.")
    assert {page: names for page, names in writing.items() if names} == {}
    dashboard.check_browser_logs()


def go_to(dashboard: Dashboard, page: str) -> None:
    dashboard.browser.execute_async_script(GO_TO, page, QUIET_MS)
