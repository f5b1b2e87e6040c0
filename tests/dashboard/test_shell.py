"""What is around each page of the dashboard: keys, the finder, the menu, colours, and the
connection."""

import pytest
from selenium.webdriver import Keys
from selenium.webdriver.common.by import By

from tests.api import ALL_CUSTOMERS_FILTER
from tests.dashboard.conftest import SETUP_SECONDS
from tests.dashboard.dashboard import Dashboard, press_with, select

pytestmark = pytest.mark.timeout(SETUP_SECONDS)

BORDER_OF = "return getComputedStyle(document.querySelector(arguments[0]))[arguments[1]]"
LOST = "The connection to the server is lost."
REFUSE_STORAGE = """
const refuse = () => { throw new DOMException("Access is denied.", "SecurityError"); };
Object.defineProperty(window, "localStorage", {get: refuse});
Object.defineProperty(window, "sessionStorage", {get: refuse});
"""
"""What a browser does whose user lets no page store anything."""


def test_keys_the_finder_the_menu_colours_and_a_lost_connection(dashboard: Dashboard) -> None:
    dashboard.create_customers("anna", name="Anna")
    for name in ("Alphas", "Betas"):
        dashboard.create_segment(name, {"filter": ALL_CUSTOMERS_FILTER})
    dashboard.open("/app/segments")
    dashboard.wait_for("2 segments")

    check_keys(dashboard)
    check_finder(dashboard)
    check_menu(dashboard)
    check_colours(dashboard)
    dashboard.check_browser_logs()
    check_lost_connection(dashboard)


def check_keys(dashboard: Dashboard) -> None:
    dashboard.press("jjjk")
    assert dashboard.focused().text == "Alphas"
    dashboard.press(Keys.ENTER)
    dashboard.wait_for("1 member")
    dashboard.press("gs")
    dashboard.wait_for("2 segments")
    main = dashboard.browser.find_element(By.TAG_NAME, "main")
    dashboard.wait_until(lambda: main.accessible_name == "Segments", "the label of the page")
    assert dashboard.focused() == main
    dashboard.press("/", "bgn?")
    dashboard.wait_for("There is no segment")
    assert dashboard.focused().get_attribute("value") == "bgn?"
    leave_field(dashboard)
    dashboard.press("gl")
    dashboard.wait_for("There is no segment")
    assert dashboard.browser.current_url.endswith("/app/segments?kind=STATIC")
    dashboard.press("n")
    dashboard.wait_for("Complete a condition to see who meets it.")
    dashboard.wait_until(lambda: status(dashboard).startswith("New segment"), "the announcement")

    leave_field(dashboard)
    dashboard.press("?")
    dashboard.wait_for("go to Customers")
    dashboard.check_accessibility()
    dashboard.find("input", "Shortcuts without Ctrl or Alt work outside of fields").click()
    dashboard.press(Keys.ESCAPE)
    dashboard.wait_until(lambda: "In the editor of a filter" not in dashboard.text())
    dashboard.browser.refresh()
    dashboard.wait_for("Complete a condition to see who meets it.")
    leave_field(dashboard)
    dashboard.press("gs", "?")
    press_with(dashboard, Keys.CONTROL, "k")
    dashboard.wait_for("Find\nPages")
    assert dashboard.browser.current_url.endswith("/app/segments/new")


def leave_field(dashboard: Dashboard) -> None:
    """Takes the focus from a field, in which single keys are text."""
    assert dashboard.focused().tag_name == "input"
    dashboard.browser.execute_script("document.activeElement.blur()")


def check_finder(dashboard: Dashboard) -> None:
    dashboard.check_appearance()
    dashboard.press("beta")
    dashboard.wait_until(lambda: "Betas" in first_option(dashboard), "the segment")
    dashboard.press(Keys.ENTER)
    dashboard.wait_for("1 member")
    assert dashboard.browser.title.startswith("Betas")
    dashboard.wait_until(lambda: dashboard.focused().tag_name == "main", "the focus")
    press_with(dashboard, Keys.CONTROL, "k")
    dashboard.wait_for("Find\nPages")
    dashboard.press("anna")
    dashboard.wait_until(lambda: "Anna" in first_option(dashboard), "the customer")
    dashboard.press(Keys.ESCAPE)
    dashboard.wait_until(
        lambda: not dashboard.browser.find_elements(By.CSS_SELECTOR, "dialog[open]")
    )
    assert dashboard.focused().tag_name == "main"


def check_menu(dashboard: Dashboard) -> None:
    """The screen is narrow: a button opens the menu, and a link in it closes it."""
    assert "Engagement" not in dashboard.text()
    dashboard.click("button", "Menu")
    dashboard.wait_for("Engagement")
    dashboard.check_accessibility()
    assert not dashboard.is_too_wide()
    dashboard.click("a", "Segments")
    dashboard.wait_for("2 segments")
    assert "Engagement" not in dashboard.text()
    dashboard.click("a", "Betas")
    dashboard.wait_for("1 member")
    dashboard.click("button", "Menu")


def check_colours(dashboard: Dashboard) -> None:
    select(dashboard, "Colours", "Light")
    assert background(dashboard) == "rgb(255, 255, 255)"
    dashboard.browser.refresh()
    dashboard.wait_for("1 member")
    assert background(dashboard) == "rgb(255, 255, 255)"
    dashboard.click("button", "Menu")
    select(dashboard, "Colours", "As the system")
    assert background(dashboard) == "rgb(20, 23, 27)"
    features = [{"name": "forced-colors", "value": "active"}]
    dashboard.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    for selector, side in (
        (".shell-header [aria-current]", "borderLeftWidth"),
        (".tabs [aria-current]", "borderBottomWidth"),
    ):
        assert dashboard.browser.execute_script(BORDER_OF, selector, side) == "3px"


def check_lost_connection(dashboard: Dashboard) -> None:
    conditions = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    browser = dashboard.browser
    browser.execute_cdp_cmd("Network.emulateNetworkConditions", {"offline": True, **conditions})
    try:
        dashboard.click("a", "Segments")
        dashboard.click("button", "Menu")
        dashboard.wait_for(LOST)
        dashboard.wait_for("The server does not answer.")
        # The program has not loaded this page yet.
        dashboard.click("a", "Customers")
        dashboard.wait_for("This page can’t be shown")
        assert not browser.find_elements("css selector", "[role=alert]")
        dashboard.check_accessibility()
    finally:
        browser.execute_cdp_cmd(
            "Network.emulateNetworkConditions", {"offline": False, **conditions}
        )
    dashboard.wait_until(lambda: LOST not in dashboard.text(), "the connection")
    dashboard.click("button", "Try again")
    dashboard.wait_for("Anna")


def status(dashboard: Dashboard) -> str:
    text = dashboard.browser.find_element(By.CSS_SELECTOR, "[role=status]").get_attribute(
        "textContent"
    )
    return text or ""


def first_option(dashboard: Dashboard) -> str:
    text: str = dashboard.browser.execute_script(
        "return document.querySelector("
        "'[role=listbox]:not([aria-busy=true]) [role=option]')?.innerText ?? ''"
    )
    return text


def background(dashboard: Dashboard) -> str:
    colour: str = dashboard.browser.execute_script(
        "return getComputedStyle(document.body).backgroundColor"
    )
    return colour


def test_a_browser_that_stores_nothing_shows_the_pages(dashboard: Dashboard) -> None:
    browser = dashboard.browser
    source = {"source": REFUSE_STORAGE}
    script = browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", source)
    dashboard.create_segment("Everybody", {"filter": ALL_CUSTOMERS_FILTER})
    dashboard.open("/app/segments")
    dashboard.wait_for("1 segment\n")
    select(dashboard, "Colours", "Dark")
    assert browser.execute_script("return document.documentElement.dataset.theme") == "dark"

    dashboard.click("a", "New segment")
    dashboard.find("input", "Name").send_keys("Lost")

    dashboard.wait_for("This browser has no room to keep the change until it is saved.")
    dashboard.check_browser_logs()
    browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", script)
