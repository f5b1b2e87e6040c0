"""What workers do, in the page of a segment: transitions as they are committed, and exports."""

import signal
from collections.abc import Callable
from urllib.request import urlopen

import pytest
from selenium.webdriver import ActionChains, Chrome, Keys

from app.settings import Settings
from tests.dashboard.conftest import SETUP_SECONDS, Workshop
from tests.dashboard.dashboard import Dashboard, press_with, select
from tests.environment import store_environment
from tests.local.conftest import ProgramProcess, RunProgram, wait_until

pytestmark = pytest.mark.timeout(SETUP_SECONDS)

HAS_NAME = {"attribute": {"path": "name", "operator": "HAS_VALUE"}}
START_SECONDS = 60
STATES = ("● Live", "● Active")
StartApi = Callable[[], ProgramProcess]


@pytest.fixture
def start_api(
    run_program: RunProgram, workshop: Workshop, settings: Settings, port: int
) -> StartApi:
    environment = {
        **store_environment(settings),
        "SEGMENTS_SECRET_KEY": "the secret key of the tests",
        "SEGMENTS_DASHBOARD_BUNDLE": str(workshop.bundle),
    }

    def start() -> ProgramProcess:
        api = run_program("api", "--port", str(port), **environment)
        wait_until(lambda: is_ready(port), START_SECONDS)
        return api

    return start


def is_ready(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
            return True
    except OSError:
        return False


@pytest.fixture
def workerless_dashboard(
    start_api: StartApi, workshop: Workshop, port: int, browser: Chrome
) -> tuple[Dashboard, ProgramProcess]:
    """The dashboard over an API in a process of its own, and this process."""
    api = start_api()
    return Dashboard(f"http://127.0.0.1:{port}", browser, workshop.axe), api


@pytest.fixture
def live_dashboard(
    workerless_dashboard: tuple[Dashboard, ProgramProcess],
    run_forked: RunProgram,
    settings: Settings,
) -> tuple[Dashboard, ProgramProcess]:
    """The dashboard over an API and a worker in processes of their own, and the API's process."""
    run_forked("worker", **store_environment(settings))
    return workerless_dashboard


def test_transitions_arrive_once_although_the_api_is_killed(
    live_dashboard: tuple[Dashboard, ProgramProcess], start_api: StartApi
) -> None:
    dashboard, api = live_dashboard
    segment_id = dashboard.create_segment("Named", {"filter": HAS_NAME})
    dashboard.create_distribution(segment_id)
    dashboard.open(f"/app/segments/{segment_id}/live")
    dashboard.wait_for("● Live")
    dashboard.wait_for("Nobody has entered or left yet.")
    colours = {dashboard.find("span", name).value_of_css_property("color") for name in STATES}
    assert len(colours) == 1
    dashboard.check_accessibility()

    dashboard.create_customers("anna", name="Anna")
    dashboard.wait_for("Anna Entered")
    dashboard.wait_for("1 member, 100% of all customers")
    assert "by the distribution “Welcome”; its filter can’t be edited" in dashboard.text()
    dashboard.create_customers("ben", name="Ben")
    api.process.send_signal(signal.SIGKILL)
    dashboard.wait_for("○ Cut off since ")
    start_api()
    dashboard.create_customers("cleo", name="Cleo")
    dashboard.create_customers("anna", name=None)

    dashboard.wait_for("anna Left")
    rows = dashboard.browser.find_elements("css selector", "tbody tr")
    assert [row.text.split(" A change")[0] for row in rows] == [
        "anna Left",
        "Cleo Entered",
        "Ben Entered",
        "Anna Entered",
    ]
    ben = dashboard.find("a", "Ben")
    assert ben.get_attribute("href") == f"{dashboard.url}/app/customers/ben"
    reason = dashboard.find("a", "Why? Ben").get_attribute("href") or ""
    assert reason == f"{dashboard.url}/app/customers/ben/memberships#{segment_id}"
    assert "○" not in dashboard.text()
    dashboard.check_accessibility()

    dashboard.browser.refresh()
    dashboard.wait_for("4 transitions, the newest first")
    dashboard.create_customers("dora", name="Dora")
    dashboard.wait_for("5 transitions, the newest first")
    dashboard.click("a", "Transitions")
    dashboard.wait_for("5 transitions, the newest first")
    select(dashboard, "Transition", "Left")
    dashboard.wait_for("1 transition, the newest first")
    assert "anna Left" in dashboard.text()
    dashboard.check_accessibility()
    dashboard.click("a", "Changes")
    dashboard.wait_for("Made active by the distribution “Welcome”")
    assert ", by the distribution “Welcome”" in dashboard.text()
    dashboard.click("a", "Used by")
    dashboard.click("a", "Welcome")
    dashboard.wait_for("4 deliveries shown")
    dashboard.check_accessibility()
    dashboard.click("a", "Engine")
    dashboard.wait_until(lambda: dashboard.text().count("Keeps up") == 16, "16 partitions")
    assert "Running workers, the oldest first" in dashboard.text()
    dashboard.check_accessibility()


def test_the_feed_says_that_no_worker_runs(
    workerless_dashboard: tuple[Dashboard, ProgramProcess],
    run_forked: RunProgram,
    settings: Settings,
) -> None:
    dashboard, _ = workerless_dashboard
    segment_id = dashboard.create_segment("Named", {"filter": HAS_NAME})
    dashboard.create_distribution(segment_id)
    dashboard.open(f"/app/segments/{segment_id}/live")
    dashboard.wait_for("○ No worker runs: nobody enters or leaves until one does")
    assert "● Live" not in dashboard.text()
    dashboard.check_appearance()

    run_forked("worker", **store_environment(settings))

    dashboard.wait_for("● Live")
    dashboard.check_browser_logs()


def test_the_feed_stands_still_while_it_is_read(
    live_dashboard: tuple[Dashboard, ProgramProcess],
) -> None:
    dashboard, _ = live_dashboard
    segment_id = dashboard.create_segment("Named", {"filter": HAS_NAME})
    dashboard.create_distribution(segment_id)
    dashboard.open(f"/app/segments/{segment_id}/live")
    dashboard.wait_for("● Live")
    dashboard.create_customers("anna", name="Anna")
    anna = dashboard.find("a", "Anna")
    heading = dashboard.find("h1", "Named")

    ActionChains(dashboard.browser).move_to_element(anna).perform()
    dashboard.create_customers("ben", name="Ben")
    dashboard.wait_for("1 new")
    assert names_of(dashboard) == ["Anna"]
    ActionChains(dashboard.browser).move_to_element(heading).perform()
    dashboard.wait_for("Ben Entered")
    assert dashboard.is_off("button", "0 new")

    dashboard.browser.execute_script("arguments[0].focus()", dashboard.find("a", "Ben"))
    dashboard.create_customers("cleo", name="Cleo")
    dashboard.wait_for("1 new")
    press_with(dashboard, Keys.SHIFT, Keys.TAB)
    dashboard.wait_for("Cleo Entered")

    dashboard.click("button", "Pause")
    dashboard.create_customers("dora", name="Dora")
    dashboard.click("button", "1 new")
    dashboard.wait_for("Dora Entered")
    dashboard.create_customers("anna", name=None)
    dashboard.wait_for("1 new")
    assert names_of(dashboard) == ["Dora", "Cleo", "Ben", "Anna"]
    dashboard.check_accessibility()
    select(dashboard, "Transition", "Entered")
    dashboard.wait_for("0 new")
    select(dashboard, "Transition", "Left")
    dashboard.wait_for("No such transition lately.")
    dashboard.click("button", "Resume")
    dashboard.wait_for("1 transition, the newest first")
    assert names_of(dashboard) == ["anna"]


def test_the_feed_tells_a_reader_who_has_scrolled_down_what_is_new(
    live_dashboard: tuple[Dashboard, ProgramProcess],
) -> None:
    dashboard, _ = live_dashboard
    segment_id = dashboard.create_segment("Named", {"filter": HAS_NAME})
    dashboard.create_distribution(segment_id)
    dashboard.create_customers(*(f"eve-{number}" for number in range(40)), name="Eve")
    dashboard.open(f"/app/segments/{segment_id}/live")
    dashboard.wait_for("40 transitions, the newest first")
    dashboard.browser.execute_script("window.scrollTo(0, document.body.scrollHeight)")

    # The reader has scrolled once the browser says so.
    dashboard.create_customers("zoe", name="Zoe")
    dashboard.wait_for("1 new")
    assert "Zoe" not in names_of(dashboard)
    dashboard.show_dark_and_narrow()
    dashboard.check_accessibility()
    dashboard.click("button", "1 new")

    dashboard.wait_for("Zoe Entered")
    dashboard.wait_until(lambda: dashboard.find("a", "Zoe").rect["y"] > 0, "the newest")
    in_sight = "return arguments[0].getBoundingClientRect().top > 0"
    assert dashboard.browser.execute_script(in_sight, dashboard.find("a", "Zoe"))
    dashboard.create_customers("yan", name="Yan")
    dashboard.wait_for("Yan Entered")
    assert len(names_of(dashboard)) == 42
    dashboard.check_browser_logs()


def names_of(dashboard: Dashboard) -> list[str]:
    """The names in the rows."""
    cells = dashboard.browser.find_elements("css selector", "tbody th")
    return [cell.text for cell in cells]


def test_an_export_with_chosen_columns_is_downloaded(
    live_dashboard: tuple[Dashboard, ProgramProcess],
) -> None:
    dashboard, _ = live_dashboard
    dashboard.create_customers("anna", "ben", name="Eve")
    segment_id = dashboard.create_segment("Named", {"filter": HAS_NAME})
    dashboard.open(f"/app/segments/{segment_id}/exports")

    dashboard.click("summary", "Columns: Source id, Name, Email")
    dashboard.click("button", "Add Source id")
    dashboard.click("button", "Add Email")
    dashboard.click("button", "Add Name")
    dashboard.click("button", "Remove Email")
    dashboard.click("button", "Move Name up")
    dashboard.wait_for("Columns: Name, Source id")
    dashboard.find("input", "Keep these columns as").send_keys("Post", Keys.ENTER)
    dashboard.check_appearance()
    dashboard.browser.refresh()
    dashboard.click("summary", "Columns: Source id, Name, Email")
    select(dashboard, "Kept columns", "Post")
    dashboard.wait_for("Columns: Name, Source id")
    dashboard.click("button", "Start an export")
    dashboard.wait_for("Name, Source id Done: 2 rows")
    dashboard.check_accessibility()

    link = dashboard.find("a", "Download").get_attribute("href") or ""
    with urlopen(link) as file:
        lines = file.read().decode().splitlines()
    assert lines == ["name,sourceId", "Eve,anna", "Eve,ben"]
    dashboard.check_browser_logs()
