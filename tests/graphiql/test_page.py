"""The page at GET /graphql, with a bundle and without one."""

import gzip
import json
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from app.graphiql import page
from app.schema.http import GraphQLView
from app.settings import Settings
from tests.schema.http.fruit_schema import ContextFactory, schema

BROWSER_ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A minimal bundle."""
    folder = tmp_path / "bundle"
    folder.mkdir()
    (folder / "graphiql.js").write_text("plain")
    (folder / "graphiql.js.gz").write_bytes(gzip.compress(b"compressed"))
    (folder / "codicon.ttf").write_bytes(b"font")
    return folder


@pytest.fixture
async def client(bundle: Path) -> AsyncIterator[httpx.AsyncClient]:
    view = GraphQLView(schema, Settings(_env_file=None), ContextFactory().open_session, bundle)  # type: ignore[call-arg]
    transport = httpx.ASGITransport(Starlette(routes=view.routes()))
    async with httpx.AsyncClient(transport=transport, base_url="http://door") as client:
        yield client


async def fetch_page(client: httpx.AsyncClient) -> httpx.Response:
    return await client.get("/graphql", headers={"Accept": BROWSER_ACCEPT})


class GraphiqlRootParser(HTMLParser):
    """Collects the attributes of GraphiQL's root element, and every URL of the page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.attributes: dict[str, str | None] = {}
        self.addresses: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if found.get("id") == "graphiql":
            self.attributes = found
        self.addresses += [found[name] or "" for name in ("src", "href") if name in found]


async def test_the_page_loads_nothing_but_its_own_files(client: httpx.AsyncClient) -> None:
    answer = await fetch_page(client)

    root = GraphiqlRootParser(answer.text)
    assert answer.status_code == 200
    assert root.attributes["data-endpoint"] == "/graphql"
    assert all(url.startswith(("/graphql/static/", "data:")) for url in root.addresses)
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "script-src 'self';" in answer.headers["content-security-policy"]


async def test_the_page_opens_with_example_operations(
    client: httpx.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "greet.graphql").write_text('query { fruit(name: "<é>") { name } }')
    (tmp_path / "greet.json").write_text("{}")
    (tmp_path / "count.graphql").write_text("subscription { count }")
    monkeypatch.setattr(page, "_OPERATION_FOLDERS", (tmp_path / "none", tmp_path))
    monkeypatch.setattr(page, "TAB_OPERATIONS", ("count", "greet"))

    tabs = GraphiqlRootParser((await fetch_page(client)).text).attributes["data-tabs"]

    assert json.loads(tabs or "") == [
        {"query": "subscription { count }"},
        {"query": 'query { fruit(name: "<é>") { name } }', "variables": "{}"},
    ]


@pytest.mark.parametrize("accept", ["*/*", "", "application/json", "application/json, text/html"])
async def test_clients_that_accept_no_html_get_no_page(
    client: httpx.AsyncClient, accept: str
) -> None:
    answer = await client.get("/graphql", headers={"Accept": accept})

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/json"


async def test_a_query_of_a_browser_gets_a_response(client: httpx.AsyncClient) -> None:
    answer = await client.get("/graphql?query={number}", headers={"Accept": BROWSER_ACCEPT})

    assert answer.json()["data"] == {"number": 1}


async def test_files_are_compressed_for_those_who_read_it(client: httpx.AsyncClient) -> None:
    url = "/graphql/static/graphiql.js"
    small = await client.get(url)
    plain = await client.get(url, headers={"Accept-Encoding": "identity"})
    again = await client.get(url, headers={"If-None-Match": small.headers["etag"]})

    assert (small.text, small.headers["content-encoding"]) == ("compressed", "gzip")
    assert plain.text == "plain"
    assert small.headers["content-type"] == plain.headers["content-type"]
    assert small.headers["content-type"].startswith("text/javascript")
    assert again.status_code == 304


@pytest.mark.parametrize("path", ["", "/none.js", "/../conftest.py", "/%2e%2e/x", "/a%00b"])
async def test_no_other_file_is_served(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(f"/graphql/static{path}")).status_code in (307, 404)
