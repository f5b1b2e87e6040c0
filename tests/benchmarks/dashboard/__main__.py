"""How soon the dashboard shows its lists in Chromium, and how many counts it runs at once.

    python -m tests.benchmarks.dashboard [--customers N] [--data DIR] [--small DIR] [--rounds N]
        [--only lists|counts]

The baseline of a page is the same page with a thousand customers, and its GraphQL request without
the browser; that of the counts is a client that cancels none.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from selenium.webdriver import Chrome

from app.dashboard import build
from tests.benchmarks.dashboard.page_times import (
    BITS_PER_SECOND,
    CPU_SLOWDOWN,
    LATENCY_MILLISECONDS,
    PageTimes,
    Rows,
)
from tests.benchmarks.dashboard.shop_segments import SEGMENTS, ShopSegments, segments_with_sizes
from tests.benchmarks.dashboard.typing_rounds import (
    CLOSED_SECONDS,
    KEY_SECONDS,
    MAX_COUNTS,
    TYPED_TEXT,
    TypingRound,
    TypingRounds,
)
from tests.benchmarks.million.build import CUSTOMERS, DATABASE, default_folder, running_shop
from tests.benchmarks.program import program_with_database
from tests.benchmarks.single_membership import FEW_CUSTOMERS
from tests.browser import graphql_requests, running_browser
from tests.dashboard.dashboard import Dashboard

_LIST_MILLISECONDS = 300
_SLOW_MILLISECONDS = 1_000
_SEARCH = "kowalska"
_BARE_ROUNDS = 10
_REST_SECONDS = 2.0
# A page without a list, to begin at.
_OTHER_PAGE = "/app/rules"
_LIST_PAGE = "/app/segments"
_LIST_ROWS = Rows("main tbody tr", 50)
_MEMBER_ROWS = Rows("main .long-table tbody tr[aria-rowindex]", 10)
_CUSTOMER_ROWS = Rows("main tbody tr", 10)
_FOUND_ROWS = Rows("main tbody tr", 10, _SEARCH)


@dataclass(frozen=True)
class Shop:
    """A program with its segments, in the browser."""

    dashboard: Dashboard
    mongodb_url: str
    segments: ShopSegments
    times: PageTimes

    @property
    def browser(self) -> Chrome:
        return self.dashboard.browser

    def open(self, path: str, shown: str) -> None:
        self.dashboard.open(path)
        self.dashboard.wait_for(shown)

    def open_other_page(self) -> None:
        self.open(_OTHER_PAGE, "New rule")

    def click_to_list(self) -> float:
        self.open_other_page()
        return self.times.click("nav a[href='/app/segments']", _LIST_ROWS)

    def reload_list(self) -> float:
        self.open(_LIST_PAGE, f"{SEGMENTS} segments")
        return self.times.reload(_LIST_ROWS)

    def load_slowly(self) -> float:
        self.browser.get("about:blank")
        with self.times.slow_machine():
            return self.times.load(f"{self.dashboard.url}{_LIST_PAGE}", _LIST_ROWS)

    def click_to_members(self) -> float:
        self.open(_LIST_PAGE, f"{SEGMENTS} segments")
        return self.times.click(f"a[href='/app/segments/{self.segments.half}']", _MEMBER_ROWS)

    def load_members(self) -> float:
        return self.times.load(
            f"{self.dashboard.url}/app/segments/{self.segments.half}", _MEMBER_ROWS
        )

    def click_to_customers(self) -> float:
        self.open_other_page()
        return self.times.click("nav a[href='/app/customers']", _CUSTOMER_ROWS)

    def search_customers(self) -> float:
        self.click_to_customers()
        return self.times.paste("main input[type=search]", _SEARCH, _FOUND_ROWS)

    def load_search(self) -> float:
        return self.times.load(f"{self.dashboard.url}/app/customers?search={_SEARCH}", _FOUND_ROWS)


@dataclass(frozen=True)
class PageCase:
    """A page whose rows are awaited, and the name of the request that reads them."""

    name: str
    measure: Callable[[Shop], float]
    operation: str
    goal_milliseconds: int | None = None


_PAGE_CASES = (
    PageCase("segments, from another page", Shop.click_to_list, "ListSegments", _LIST_MILLISECONDS),
    PageCase("segments, reloaded", Shop.reload_list, "ListSegments", _LIST_MILLISECONDS),
    PageCase("segments, slow and uncached", Shop.load_slowly, "ListSegments", _SLOW_MILLISECONDS),
    PageCase("members of a half, from the list", Shop.click_to_members, "ListMembers"),
    PageCase("members of a half, loaded", Shop.load_members, "ListMembers"),
    PageCase("customers, from another page", Shop.click_to_customers, "SearchCustomers"),
    PageCase("search of customers, pasted", Shop.search_customers, "SearchCustomers"),
    PageCase("search of customers, loaded", Shop.load_search, "SearchCustomers"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--customers", type=int, default=CUSTOMERS)
    parser.add_argument("--data", type=Path, help="the folder of the large shop")
    parser.add_argument("--small", type=Path, help="the folder of the small shop")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", choices=("lists", "counts"))
    arguments = parser.parse_args()
    if not build.is_current(build.BUNDLE_FOLDER):
        build.build()
    with ExitStack() as exit_stack:
        folder = Path(exit_stack.enter_context(tempfile.TemporaryDirectory()))
        browser = exit_stack.enter_context(running_browser(folder / "browser"))
        small, large = (
            exit_stack.enter_context(
                _open_shop(shop_folder or default_folder(customers), customers, browser)
            )
            for customers, shop_folder in (
                (FEW_CUSTOMERS, arguments.small),
                (arguments.customers, arguments.data),
            )
        )
        print(
            f"{arguments.customers:,} customers, {SEGMENTS} segments, {arguments.rounds} rounds;"
            f" load {os.getloadavg()[1]:.1f} on {os.cpu_count()} cores"
        )
        if arguments.only != "counts":
            _report_lists(small, large, arguments.rounds)
        if arguments.only != "lists":
            _report_counts(large, arguments.rounds)


@contextmanager
def _open_shop(folder: Path, customers: int, browser: Chrome) -> Iterator[Shop]:
    with (
        running_shop(folder, customers) as mongodb_url,
        tempfile.TemporaryDirectory() as valkey_folder,
        program_with_database(Path(valkey_folder), mongodb_url, DATABASE) as program,
        program.server("-m", "app", "api") as (address, _),
    ):
        dashboard = Dashboard(f"http://{address}", browser, axe="")
        with segments_with_sizes(dashboard, mongodb_url) as segments:
            yield Shop(dashboard, mongodb_url, segments, PageTimes(browser))
            # The server waits for open connections when it stops.
            browser.get("about:blank")


def _report_lists(small: Shop, large: Shop, rounds: int) -> None:
    print(
        f"\nTime until rows are painted. Slow: {BITS_PER_SECOND // 1_000_000} Mbit/s with"
        f" {LATENCY_MILLISECONDS} ms latency, a CPU {CPU_SLOWDOWN} times as slow.\n"
    )
    print(f"{'':34}{'goal':>9}{'median':>9}{'worst':>9}{f'{FEW_CUSTOMERS:,}':>9}{'request':>9}")
    for case in _PAGE_CASES:
        times: dict[Shop, list[float]] = {large: [], small: []}
        # The first round only warms up.
        for round_number in range(rounds + 1):
            for shop, milliseconds in times.items():
                # The counts of a page may go on after the browser has left it.
                shop.browser.get("about:blank")
                time.sleep(_REST_SECONDS)
                graphql_requests(shop.browser)
                duration = case.measure(shop)
                if round_number:
                    milliseconds.append(duration)
                if shop is large:
                    bodies = graphql_requests(shop.browser)
        body = [body for body in bodies if f"query {case.operation}" in body][-1]
        goal = f"{case.goal_milliseconds} ms" if case.goal_milliseconds else "–"
        figures = (
            statistics.median(times[large]),
            max(times[large]),
            statistics.median(times[small]),
            _bare_milliseconds(large, body),
        )
        columns = "".join(f"{f'{figure:.0f} ms':>9}" for figure in figures)
        print(f"{case.name:34}{goal:>9}{columns}", flush=True)


def _bare_milliseconds(shop: Shop, body: str) -> float:
    """Returns the median time of the request without a browser. No page counts meanwhile."""
    shop.browser.get("about:blank")
    milliseconds = []
    headers = {"Content-Type": "application/json"}
    with httpx.Client(base_url=shop.dashboard.url, timeout=60) as client:
        for _ in range(_BARE_ROUNDS):
            started_at = time.perf_counter()
            response = client.post("/graphql", content=body, headers=headers)
            milliseconds.append(1_000 * (time.perf_counter() - started_at))
            assert "errors" not in response.json(), response.text
    return statistics.median(milliseconds)


def _report_counts(shop: Shop, rounds: int) -> None:
    print(
        f"\nCounts that MongoDB runs at once while {TYPED_TEXT!r} is typed (goal: at most"
        f" {MAX_COUNTS}), and those {CLOSED_SECONDS:g} s after the tab is closed (goal: 0).\n"
    )
    print(f"{'':34}{'median':>9}{'worst':>9}{'left':>9}{'last seen after':>18}")
    new_path = f"/app/segments/new?from={shop.segments.typed}"
    saved_path = f"/app/segments/{shop.segments.typed}/edit"
    for key_seconds in KEY_SECONDS:
        for name, path in (("a new segment", new_path), ("a saved segment", saved_path)):
            typing = TypingRounds(shop.dashboard, shop.mongodb_url, path)
            results = [typing.run(key_seconds) for _ in range(rounds)]
            _print_counts(f"{name}, a key in {1_000 * key_seconds:.0f} ms", results)
        typing = TypingRounds(shop.dashboard, shop.mongodb_url, new_path)
        uncancelled = [typing.run_uncancelled(key_seconds) for _ in range(rounds)]
        _print_counts("baseline: no request is cancelled", uncancelled)


def _print_counts(name: str, rounds: list[TypingRound]) -> None:
    most = [result.most_counts for result in rounds]
    left = max(result.counts_left for result in rounds)
    last = max(result.last_count_milliseconds for result in rounds)
    print(
        f"{name:34}{statistics.median(most):9.0f}{max(most):9}{left:9}{f'{last:.0f} ms':>18}",
        flush=True,
    )


if __name__ == "__main__":
    main()
