"""Types filters in the editor, and samples the counts meanwhile and after the tab is closed."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from copy import deepcopy
from dataclasses import dataclass

import httpx
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.remote.webelement import WebElement

from tests.benchmarks.dashboard.running_counts import RunningCounts, sampled_counts
from tests.browser import graphql_requests
from tests.dashboard.dashboard import Dashboard, Json

# The page counts nothing if a text is typed that it has counted.
TYPED_TEXT, TEXT_BEFORE_CLOSE = "ellis Road", "Arbor Road"
# The page counts when nothing was typed for 250 ms: one key in 150 ms is a usual speed, and with
# one in 300 ms each key begins a count.
KEY_SECONDS = (0.15, 0.3)
MAX_COUNTS = 2
CLOSED_SECONDS = 1.0
_AFTER_CLOSE_SECONDS = 3.0
_MAX_WAIT_SECONDS = 60.0
_UNSETTLED = "return document.querySelectorAll('[aria-busy=true], .stale').length"


@dataclass(frozen=True)
class TypingRound:
    """What the samples of one round say."""

    most_counts: int
    counts_left: int
    """The largest number of counts at least a second after the tab was closed."""
    last_count_milliseconds: float
    """From the end of the tab until the last count was seen; negative if none was seen after it."""


class TypingRounds:
    """Types a filter into one editor, again and again."""

    def __init__(self, dashboard: Dashboard, mongodb_url: str, path: str) -> None:
        self._dashboard = dashboard
        self._mongodb_url = mongodb_url
        self._path = path

    @property
    def _browser(self) -> Chrome:
        return self._dashboard.browser

    def run(self, key_seconds: float) -> TypingRound:
        """Types in a new tab, waits for the counts; types once more, and closes the tab."""
        first_tab = self._browser.current_window_handle
        self._browser.switch_to.new_window("tab")
        field = self._open_editor()
        with sampled_counts(self._mongodb_url) as counts:
            _type(field, TYPED_TEXT, key_seconds)
            self._wait_until_counted()
            _type(field, TEXT_BEFORE_CLOSE, key_seconds)
            _wait_until(lambda: counts.running > 0, seconds=2)
            self._browser.close()
            closed_seconds = time.monotonic()
            self._browser.switch_to.window(first_tab)
            time.sleep(_AFTER_CLOSE_SECONDS)
            return _summarize(counts, closed_seconds)

    def _open_editor(self) -> WebElement:
        self._dashboard.open("/app/rules")
        # The draft of the round before would be offered.
        self._browser.execute_script("localStorage.clear(); sessionStorage.clear()")
        self._dashboard.open(self._path)
        self._dashboard.wait_for("customers\n")
        self._wait_until_counted()
        return self._dashboard.find("input", "Text")

    def _wait_until_counted(self) -> None:
        # The pause before the page counts, and the time to begin.
        time.sleep(0.5)
        _wait_until(lambda: self._browser.execute_script(_UNSETTLED) == 0)

    def run_uncancelled(self, key_seconds: float) -> TypingRound:
        """Sends a request for each key, as a client does that neither waits nor cancels. The tab is
        closed, so to say, with the last key."""
        graphql_requests(self._browser)
        self._open_editor()
        requests = [json.loads(body) for body in graphql_requests(self._browser)]
        (request,) = (one for one in requests if "PreviewFilter" in one["query"])
        self._dashboard.open("/app/rules")
        with (
            httpx.Client(base_url=self._dashboard.url, timeout=_MAX_WAIT_SECONDS) as client,
            ThreadPoolExecutor(len(TYPED_TEXT)) as threads,
            sampled_counts(self._mongodb_url) as counts,
        ):
            responses = []
            for number in _every(key_seconds, len(TYPED_TEXT)):
                body = _with_text(request, TYPED_TEXT[: number + 1])
                responses.append(threads.submit(client.post, "/graphql", json=body))
            closed_seconds = time.monotonic()
            wait(responses)
            time.sleep(_AFTER_CLOSE_SECONDS)
            return _summarize(counts, closed_seconds)


def _with_text(request: Json, text: str) -> Json:
    """Returns a copy of the request, with the text in the condition of its filter."""
    changed = deepcopy(request)
    changed["variables"]["filter"]["all"][0]["attribute"]["value"] = text
    return changed


def _summarize(counts: RunningCounts, closed_seconds: float) -> TypingRound:
    return TypingRound(
        counts.most(),
        counts.most_after(closed_seconds + CLOSED_SECONDS),
        1_000 * (counts.last_seconds() - closed_seconds),
    )


def _type(field: WebElement, text: str, key_seconds: float) -> None:
    """Types over what is in the field."""
    field.send_keys(Keys.CONTROL, "a")
    for number in _every(key_seconds, len(text)):
        field.send_keys(text[number])


def _every(seconds: float, count: int) -> Iterator[int]:
    """Yields so many numbers from 0, the next one so many seconds after the one before."""
    started_seconds = time.monotonic()
    for number in range(count):
        time.sleep(max(0.0, started_seconds + number * seconds - time.monotonic()))
        yield number


def _wait_until(holds: Callable[[], bool], seconds: float = _MAX_WAIT_SECONDS) -> None:
    deadline_seconds = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline_seconds:
        time.sleep(0.005)
