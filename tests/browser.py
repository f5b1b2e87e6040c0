"""A headless Chromium, and a server for it in a thread of this process."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import socket
from threading import Event, Thread
from typing import Any
from urllib.parse import urlsplit

import pytest
import uvicorn
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from starlette.types import ASGIApp

from tests.patience import PATIENCE_SECONDS


@contextmanager
def running_browser(profile: Path) -> Iterator[Chrome]:
    """Starts Chromium with an empty profile and a log of its requests. Skips the test if Chromium
    is not installed."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.skip("chromium and its driver are not on PATH")
    options = ChromeOptions()
    options.binary_location = chromium
    for argument in (
        "headless",
        "no-sandbox",
        "disable-gpu",
        "disable-quic",
        "no-first-run",
        "disable-background-networking",
        "disable-component-update",
        "disable-sync",
        "window-size=1400,900",
        f"user-data-dir={profile}",
    ):
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    # Of the network alone.
    options.add_experimental_option("perfLoggingPrefs", {"enablePage": False})
    browser = Chrome(options, ChromeService(driver))
    try:
        yield browser
    finally:
        browser.quit()


def requested_hosts(browser: Chrome) -> set[str]:
    """Returns the hosts of all requests and WebSockets, including failed ones."""
    events = _network_events(browser, "requestWillBeSent", "webSocketCreated")
    urls = [event["url"] if "url" in event else event["request"]["url"] for event in events]
    return {urlsplit(url).netloc for url in urls if url.startswith(("http", "ws"))}


def graphql_requests(browser: Chrome) -> list[str]:
    """Returns the bodies of the GraphQL requests that pages have sent since the last look at the
    requests."""
    requests = [event["request"] for event in _network_events(browser, "requestWillBeSent")]
    return [
        request["postData"] for request in requests if urlsplit(request["url"]).path == "/graphql"
    ]


def websocket_messages(browser: Chrome) -> list[str]:
    """Returns the messages that pages have received over WebSockets since the last look at the
    requests."""
    events = _network_events(browser, "webSocketFrameReceived")
    return [event["response"]["payloadData"] for event in events]


def _network_events(browser: Chrome, *names: str) -> list[dict[str, Any]]:
    """Returns the parameters of the events of the network since the last look."""
    events = [json.loads(entry["message"])["message"] for entry in _log(browser, "performance")]
    methods = {f"Network.{name}" for name in names}
    return [event["params"] for event in events if event["method"] in methods]


def console_errors(browser: Chrome) -> list[str]:
    """Returns the errors of the console since the last call."""
    return [entry["message"] for entry in _log(browser, "browser") if entry["level"] == "SEVERE"]


def reset_browser(browser: Chrome) -> None:
    """Leaves the page, ends emulations, and forgets the requests and the errors so far."""
    browser.get("about:blank")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": ""})
    browser.execute_cdp_cmd("Emulation.setLocaleOverride", {})
    for kind in ("performance", "browser"):
        _log(browser, kind)


def _log(browser: Chrome, kind: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = browser.get_log(kind)  # type: ignore[no-untyped-call]
    return entries


@contextmanager
def server_in_thread(app: ASGIApp) -> Iterator[str]:
    """Starts the application and its lifespan in a thread; yields its URL."""
    server = _SignalingServer(
        uvicorn.Config(
            app,
            port=0,
            log_level="critical",
            lifespan="on",
            ws="websockets-sansio",
            ws_per_message_deflate=False,
        )
    )
    thread = Thread(target=server.run)
    thread.start()
    assert server.is_listening.wait(PATIENCE_SECONDS)
    host, port = server.servers[0].sockets[0].getsockname()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.should_exit = True
        thread.join()


class _SignalingServer(uvicorn.Server):
    """Sets `is_listening` once the server accepts connections."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_listening = Event()

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_listening.set()
