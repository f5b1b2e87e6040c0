"""Measures in the page how long it takes until rows are painted."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from selenium.webdriver import Chrome

BITS_PER_SECOND = 10_000_000
LATENCY_MILLISECONDS = 40
CPU_SLOWDOWN = 4

_AFTER_ROWS = """
// Calls the function after the frame that shows the rows is painted.
function afterRows({selector, count, text}, report) {
  requestAnimationFrame(() => {
    const rows = [...document.querySelectorAll(selector)];
    const areShown =
      rows.length >= count && rows.every((row) => row.textContent.toLowerCase().includes(text));
    if (areShown) setTimeout(report);
    else afterRows({selector, count, text}, report);
  });
}
"""
_MEASURE_LOAD = """
(() => {{ {after_rows}
  afterRows({rows}, () => {{ window.rowsMilliseconds = performance.now(); }});
}})();
"""
_AWAIT_LOAD = """
const [done] = arguments;
const check = () =>
  "rowsMilliseconds" in window ? done(window.rowsMilliseconds) : setTimeout(check, 20);
check();
"""
_MEASURE_CLICK = """
const [rows, selector, done] = arguments;
const start = performance.now();
document.querySelector(selector).click();
afterRows(rows, () => done(performance.now() - start));
"""
# Types as a paste does: at once, and not key by key.
_MEASURE_PASTE = """
const [rows, selector, text, done] = arguments;
const field = document.querySelector(selector);
const start = performance.now();
Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(field, text);
field.dispatchEvent(new Event("input", {bubbles: true}));
afterRows(rows, () => done(performance.now() - start));
"""


@dataclass(frozen=True)
class Rows:
    """Which rows have to be on the page: at least so many, and each with the text in lower case."""

    selector: str
    count: int
    text: str = ""

    def for_script(self) -> dict[str, Any]:
        return {"selector": self.selector, "count": self.count, "text": self.text}


class PageTimes:
    """Opens pages in the browser. All times are milliseconds until the rows are painted."""

    def __init__(self, browser: Chrome) -> None:
        self._browser = browser

    def load(self, url: str, rows: Rows) -> float:
        """Loads the document. The time begins with the navigation."""
        with self._measured_load(rows):
            self._browser.get(url)
            return float(self._browser.execute_async_script(_AWAIT_LOAD))

    def reload(self, rows: Rows) -> float:
        with self._measured_load(rows):
            self._browser.refresh()
            return float(self._browser.execute_async_script(_AWAIT_LOAD))

    @contextmanager
    def _measured_load(self, rows: Rows) -> Iterator[None]:
        source = _MEASURE_LOAD.format(after_rows=_AFTER_ROWS, rows=json.dumps(rows.for_script()))
        script = self._browser.execute_cdp_cmd(
            "Page.addScriptToEvaluateOnNewDocument", {"source": source}
        )
        try:
            yield
        finally:
            self._browser.execute_cdp_cmd(
                "Page.removeScriptToEvaluateOnNewDocument", {"identifier": script["identifier"]}
            )

    def click(self, link_selector: str, rows: Rows) -> float:
        """Clicks a link of the page. The time begins with the click."""
        script = _AFTER_ROWS + _MEASURE_CLICK
        return float(self._browser.execute_async_script(script, rows.for_script(), link_selector))

    def paste(self, field_selector: str, text: str, rows: Rows) -> float:
        """Puts a text into a field. The time begins with the event of the field."""
        script = _AFTER_ROWS + _MEASURE_PASTE
        arguments = rows.for_script(), field_selector, text
        return float(self._browser.execute_async_script(script, *arguments))

    @contextmanager
    def slow_machine(self) -> Iterator[None]:
        """Slows the network and the CPU of the page, and empties the cache of the browser."""
        bytes_per_second = BITS_PER_SECOND / 8
        self._browser.execute_cdp_cmd("Network.clearBrowserCache", {})
        self._emulate_network(LATENCY_MILLISECONDS, bytes_per_second)
        self._browser.execute_cdp_cmd("Emulation.setCPUThrottlingRate", {"rate": CPU_SLOWDOWN})
        try:
            yield
        finally:
            self._browser.execute_cdp_cmd("Emulation.setCPUThrottlingRate", {"rate": 1})
            self._emulate_network(0, -1)

    def _emulate_network(self, latency_milliseconds: float, bytes_per_second: float) -> None:
        self._browser.execute_cdp_cmd(
            "Network.emulateNetworkConditions",
            {
                "offline": False,
                "latency": latency_milliseconds,
                "downloadThroughput": bytes_per_second,
                "uploadThroughput": bytes_per_second,
            },
        )
