"""The pictures of the dashboard in README.md, taken from the sample shop.

    WRITE_PICTURES=1 python -m pytest tests/dashboard/test_pictures.py

writes them anew. Without the variable, a smaller shop shows that they can still be taken.
"""

import asyncio
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.services.sample import load_into, shop
from app.settings import Settings
from tests.dashboard.conftest import SETUP_SECONDS
from tests.dashboard.dashboard import Dashboard

pytestmark = pytest.mark.timeout(SETUP_SECONDS)

ROOT = Path(__file__).parents[2]
FOLDER = "app/dashboard/pictures"
MAX_BYTES = 120_000
WIDTH, HEIGHT = 1200, 610
FEW_CUSTOMERS = 150
EDITED_SEGMENT = "Bought shoes twice this quarter"
SHOWN_SEGMENT = "VIPs"
PNG_SIZE = slice(16, 24)
"""Where a PNG file has its width and its height, four bytes each."""


def show_list(dashboard: Dashboard) -> None:
    dashboard.open("/app/segments")
    dashboard.wait_for("segments\n")


def show_editor(dashboard: Dashboard) -> None:
    show_list(dashboard)
    dashboard.click("a", EDITED_SEGMENT)
    dashboard.click("a", "Edit")
    dashboard.wait_for("would enter")


def show_segment(dashboard: Dashboard) -> None:
    show_list(dashboard)
    dashboard.click("a", SHOWN_SEGMENT)
    dashboard.wait_for("Source id")


PAGES: dict[str, Callable[[Dashboard], None]] = {
    "list": show_list,
    "editor": show_editor,
    "segment": show_segment,
}


@pytest.fixture
def framed_dashboard(dashboard: Dashboard) -> Iterator[Dashboard]:
    """The dashboard in a window of the size of the pictures, without scroll bars."""
    metrics = {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
    dashboard.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    dashboard.browser.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})
    yield dashboard
    dashboard.browser.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": False})


@pytest.fixture
def is_writing(monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the pictures in the repository are written. Only then they show the whole shop."""
    is_asked = bool(os.environ.get("WRITE_PICTURES"))
    if not is_asked:
        monkeypatch.setattr(shop, "CUSTOMER_COUNT", FEW_CUSTOMERS)
    return is_asked


def test_the_pictures_of_the_readme_are_taken(
    framed_dashboard: Dashboard, settings: Settings, tmp_path: Path, is_writing: bool
) -> None:
    dashboard = framed_dashboard
    named = set(re.findall(rf"\({FOLDER}/(\w+)\.png\)", (ROOT / "README.md").read_text()))
    assert named == PAGES.keys()
    asyncio.run(load_into(settings))
    for name, show in PAGES.items():
        show(dashboard)
        dashboard.wait_until(lambda: is_complete(dashboard), "a page that waits for nothing")
        picture, committed = tmp_path / f"{name}.png", ROOT / FOLDER / f"{name}.png"
        dashboard.browser.save_screenshot(str(picture))
        if is_writing:
            committed.parent.mkdir(exist_ok=True)
            shutil.copy(picture, committed)
        for file in (picture, committed):
            content = file.read_bytes()
            assert content[PNG_SIZE] == WIDTH.to_bytes(4) + HEIGHT.to_bytes(4)
            assert len(content) <= MAX_BYTES, f"{file.name} has {len(content):,} bytes"
    dashboard.check_browser_logs()


def is_complete(dashboard: Dashboard) -> bool:
    """Whether nothing on the screen waits for an answer. Segments out of sight are not counted."""
    return bool(
        dashboard.browser.execute_script(
            "return [...document.querySelectorAll('.waiting, [aria-busy=true]')].every("
            "element => element.getBoundingClientRect().top >= window.innerHeight)"
        )
    )
