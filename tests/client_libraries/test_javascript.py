"""Apollo Client, Relay and urql use the API: in Node.js, and on a page of another origin."""

import asyncio
import json
import shutil
from pathlib import Path
from urllib.parse import quote

import pytest
import pytest_asyncio
from selenium.webdriver.support.wait import WebDriverWait

from tests.api import Json
from tests.browser import running_browser
from tests.client_libraries.conftest import SEGMENT_NAME, TRANSITIONS, LibraryTarget
from tests.client_libraries.node import run_node
from tests.npm import RECIPE_FOLDER

pytestmark = pytest.mark.asyncio(loop_scope="module")

PLATFORMS = ("Node.js", "Chromium")
SCHEMA_FILE = RECIPE_FOLDER.parent / "schema.graphql"
LIBRARIES = ("apollo", "relay", "urql")
PAGE = '<!doctype html><body><script type="module" src="page.js"></script>'


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def library_folder(clients: Path) -> Path:
    """The folder of the libraries, with Relay's documents compiled for the schema."""
    shutil.copy(SCHEMA_FILE, clients)
    (clients / "__generated__").mkdir()
    await run_node(clients, "node_modules/relay-compiler/cli.js")
    return clients


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=PLATFORMS)
async def platform(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def outcomes(
    platform: str,
    library_folder: Path,
    target: LibraryTarget,
    page_origin: tuple[str, Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Json:
    """What each library received, by its name."""
    if platform == "Node.js":
        return dict(
            json.loads(await run_node(library_folder, "run_libraries.mjs", target.to_json()))
        )
    origin, folder = page_origin
    await run_node(library_folder, "bundle.mjs", str(folder / "page.js"))
    (folder / "page.html").write_text(PAGE)
    url = f"{origin}/page.html#{quote(target.to_json())}"
    return await asyncio.to_thread(open_page, url, tmp_path_factory.mktemp("browser"))


def open_page(url: str, profile: Path) -> Json:
    """Returns the JSON that the page shows."""
    with running_browser(profile) as browser:
        browser.get(url)
        text = WebDriverWait(browser, 30).until(
            lambda shown: shown.execute_script("return document.body.textContent")
        )
        return dict(json.loads(text))


@pytest.mark.parametrize("library", LIBRARIES)
async def test_a_library_queries_mutates_and_subscribes(
    outcomes: Json, target: LibraryTarget, platform: str, library: str
) -> None:
    outcome = outcomes[library]

    assert isinstance(outcome, dict), outcome
    assert outcome["segment"] == outcome["sameSegment"]
    assert outcome["segment"]["id"] == target.segment_id
    assert outcome["segment"]["name"] == SEGMENT_NAME
    assert outcome["customer"]["customer"]["sourceId"] == f"{library} in {platform}"
    assert outcome["customer"]["userErrors"] == []
    assert outcome["transitions"] == TRANSITIONS
    assert outcome["errorCode"] == "BAD_REQUEST"
    assert outcome["errorCodeWithoutKey"] == "UNAUTHENTICATED"


async def test_apollo_sends_the_document_of_a_persisted_query_once(outcomes: Json) -> None:
    requests_with_document = outcomes["apollo"]["sentDocuments"]

    # The query ran twice here, and perhaps on the other platform before.
    assert requests_with_document in ([False, True, False], [False, False])
