"""The dashboard in a browser, as a person uses it."""

import re
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
import pytest
from selenium.common.exceptions import StaleElementReferenceException, TimeoutException
from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

from tests.browser import console_errors, requested_hosts
from tests.patience import PATIENCE_SECONDS

# Reserved: no such host exists.
WEBHOOK_URL = "https://shop.invalid/"
COLOUR_RULES = ["color-contrast", "link-in-text-block"]
# Rules that axe leaves out by itself.
ADDED_RULES = {"target-size": {"enabled": True}}
REFUSE_REQUESTS = """
const fetchData = window.fetch;
window.fetch = (url, options) => {
  if (JSON.parse(options.body).query.includes("viewer")) return fetchData(url, options);
  const error = {message: "This takes too long.", extensions: {code: "TIMEOUT"}};
  return Promise.resolve(Response.json({errors: [error]}));
};
"""
"""Lets each request fail, but the one for the key, until the page is loaded anew."""
DISCONNECT = """
const fetchData = window.fetch;
window.fetch = (url, options) =>
  window.isConnected && !JSON.parse(options.body).query.includes("viewer")
    ? fetchData(url, options)
    : Promise.reject(new TypeError("The API is disconnected."));
"""
Json = dict[str, Any]
Value = TypeVar("Value")
_NAMED_ELEMENT = (
    "//{tag}[normalize-space() = {name} or @aria-label = {name}]"
    " | //label[starts-with(normalize-space(), {name})]//{tag}"
)


class Dashboard:
    def __init__(self, url: str, browser: Chrome, axe: str, api_key: str | None = None) -> None:
        self.url = url
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self.browser = browser
        self._axe = axe

    def open(self, path: str) -> None:
        self.browser.get(f"{self.url}{path}")

    def wait_for(self, text: str) -> None:
        """Waits until the page shows the text."""
        self.wait_until(lambda: text in self.text(), text)

    def wait_until(self, condition: Callable[[], bool], description: str = "") -> None:
        self._wait_for_value(condition, f"{description!r} is")

    def _wait_for_value(self, read: Callable[[], Value], description: str) -> Value:
        """Waits until `read` returns something; returns that."""
        try:
            # The page may replace an element between two looks at it.
            wait = WebDriverWait(
                self.browser, PATIENCE_SECONDS, ignored_exceptions=[StaleElementReferenceException]
            )
            return wait.until(lambda _: read())
        except TimeoutException:
            pytest.fail(f"{description} not in {self.text()!r}")

    def text(self) -> str:
        """Returns the text that is shown: one space between the cells of a table, and no empty
        lines."""
        shown: str = self.browser.execute_script("return document.body.innerText")
        return re.sub(r"\n+", "\n", re.sub(r"[\t\xa0 ]+", " ", shown))

    def find(self, tag: str, name: str) -> WebElement:
        """Returns the shown element with this text or label, once there is one."""
        path = _NAMED_ELEMENT.format(tag=tag, name=f'"{name}"')

        def find_shown() -> WebElement | None:
            elements = self.browser.find_elements(By.XPATH, path)
            return next((element for element in elements if element.is_displayed()), None)

        element = self._wait_for_value(find_shown, f"{tag} {name!r} is")
        assert element is not None
        return element

    def click(self, tag: str, name: str) -> None:
        def click_shown() -> bool:
            self.find(tag, name).click()
            return True

        self.wait_until(click_shown, name)

    def is_off(self, tag: str, name: str) -> bool:
        """Whether a click on the element does nothing. It can have the focus all the same."""
        return self.find(tag, name).get_attribute("aria-disabled") == "true"

    def press(self, *keys: str) -> None:
        ActionChains(self.browser).send_keys(*keys).perform()

    def focused(self) -> WebElement:
        return self.browser.switch_to.active_element

    def request(self, query: str, **variables: Any) -> Json:
        """Sends a query to the API; returns the data."""
        body = {"query": query, "variables": variables}
        # To load certificates, which HTTP does not need, takes longer than most requests.
        response: Json = httpx.post(
            f"{self.url}/graphql", json=body, headers=self._headers, verify=False
        ).json()
        assert "errors" not in response, response["errors"]
        data: Json = response["data"]
        return data

    def execute(self, query: str, **variables: Any) -> Any:
        """Sends a query with one field to the API; returns the data of the field."""
        (field,) = self.request(query, **variables).values()
        return field

    def create_segment(self, name: str, definition: Json) -> str:
        """Creates a segment over the API; returns its id."""
        payload = self.execute(
            "mutation($input: SegmentCreateInput!) { segmentCreate(input: $input)"
            " { segment { id } userErrors { code path message } } }",
            input={"name": name, "definition": definition},
        )
        assert not payload["userErrors"], payload
        return str(payload["segment"]["id"])

    def create_distribution(
        self, segment_id: str, headers: dict[str, str] | None = None, **fields: Any
    ) -> str:
        """Creates the distribution "Welcome", which makes the segment active; returns its id."""
        channel = {"webhook": {"url": WEBHOOK_URL, "headers": headers}}
        payload = self.execute(
            "mutation($input: DistributionInput!) { distributionCreate(input: $input)"
            " { distribution { id } userErrors { code path message } } }",
            input={"name": "Welcome", "segmentId": segment_id, "channel": channel, **fields},
        )
        assert not payload["userErrors"], payload
        return str(payload["distribution"]["id"])

    def create_customers(self, *source_ids: str, **fields: Any) -> None:
        payload = self.execute(
            "mutation($inputs: [CustomerInput!]!) { customersUpsert(inputs: $inputs)"
            " { userErrors { code path message } } }",
            inputs=[{"sourceId": source_id, **fields} for source_id in source_ids],
        )
        assert not payload["userErrors"], payload

    def check_accessibility(self, **options: Any) -> None:
        """Fails if axe finds a problem on the page as it is shown now. Takes options of axe."""
        assert self.find_problems(**options) == []

    def find_problems(self, **options: Any) -> list[Any]:
        """Returns what axe finds wrong on the page as it is shown now: the address, the rule, and
        the elements. Takes options of axe."""
        if not self.browser.execute_script("return 'axe' in window"):
            self.browser.execute_cdp_cmd("Runtime.evaluate", {"expression": self._axe})
        problems: list[Any] = self.browser.execute_async_script(
            "const [options, done] = arguments;"
            "axe.run(options).then(({violations}) => done(violations.map("
            "({id, nodes}) => [location.pathname, id, nodes.map(node => node.html)])))",
            {"resultTypes": ["violations"], "rules": ADDED_RULES, **options},
        )
        return problems

    def check_browser_logs(self) -> None:
        """Fails on an error in the console, and on a request to another host."""
        assert console_errors(self.browser) == []
        assert requested_hosts(self.browser) == {urlsplit(self.url).netloc}

    def check_appearance(self) -> None:
        """Fails if axe finds a problem in light or in dark colours, or the page does not fit on a
        narrow screen. The page stays dark and narrow."""
        self.check_accessibility()
        self.show_dark_and_narrow()
        # Only colours differ.
        self.check_accessibility(runOnly={"type": "rule", "values": COLOUR_RULES})
        assert not self.is_too_wide()

    def show_dark_and_narrow(self) -> None:
        """Shows the page in dark colours on a screen of 320 pixels, which is also what a screen of
        1280 pixels is at 400 %."""
        features = [{"name": "prefers-color-scheme", "value": "dark"}]
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        self.show_narrow()

    def show_narrow(self) -> None:
        metrics = {"width": 320, "height": 800, "deviceScaleFactor": 1, "mobile": False}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def is_too_wide(self) -> bool:
        """Whether the page scrolls sideways."""
        is_wider: bool = self.browser.execute_script(
            "return document.documentElement.scrollWidth > window.innerWidth"
        )
        return is_wider

    def check_narrow_screen(self) -> None:
        """Fails if the page is wider than a screen of 320 pixels. The page stays narrow."""
        self.show_narrow()
        assert not self.is_too_wide()


def disconnect_api(dashboard: Dashboard) -> None:
    """Lets each request fail, until the page is loaded anew."""
    dashboard.browser.execute_script(DISCONNECT)


def reconnect_api(dashboard: Dashboard) -> None:
    """Lets requests pass, but for the one by which the page tries every few seconds whether the API
    answers: it would go on by itself."""
    dashboard.browser.execute_script("window.isConnected = true")


def press_with(dashboard: Dashboard, *keys: str) -> None:
    """Presses the last key while the others are held down."""
    *modifiers, key = keys
    actions = ActionChains(dashboard.browser)
    for modifier in modifiers:
        actions.key_down(modifier)
    actions.send_keys(key)
    for modifier in modifiers:
        actions.key_up(modifier)
    actions.perform()


def select(dashboard: Dashboard, label: str, text: str) -> None:
    """Selects the option with this text, once there is one."""

    def select_option() -> bool:
        Select(dashboard.find("select", label)).select_by_visible_text(text)
        return True

    # Waits while the option is missing.
    dashboard.wait_until(select_option, f"the option {text}")


def replace_text(field: WebElement, text: str) -> None:
    """Types over what is in the field."""
    field.send_keys(Keys.CONTROL, "a")
    field.send_keys(text)


def let_copy(dashboard: Dashboard) -> None:
    """Lets the page write into the clipboard."""
    permissions = {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
    dashboard.browser.execute_cdp_cmd("Browser.grantPermissions", permissions)


def copied_text(dashboard: Dashboard) -> str:
    text: str = dashboard.browser.execute_async_script(
        "const [done] = arguments; navigator.clipboard.readText().then(done)"
    )
    return text


def choose(dashboard: Dashboard, label: str, text: str) -> None:
    """Searches in a field, and chooses the first of what it finds."""
    field = dashboard.find("input", label)
    field.click()
    field.send_keys(text)
    dashboard.wait_until(
        lambda: text.lower() in _first_option(dashboard).lower(), f"an option with {text}"
    )
    field.send_keys(Keys.ENTER)


def _first_option(dashboard: Dashboard) -> str:
    found: str = dashboard.browser.execute_script(
        "const list = document.querySelector('[role=listbox]:not([aria-busy=true])');"
        "return list?.querySelector('[role=option]')?.innerText ?? ''"
    )
    return found
