"""The dashboard's routes, with a bundle."""

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from app.dashboard.page import routes

BROWSER_ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
EXPECTED_POLICY = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
}


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A minimal bundle."""
    folder = tmp_path / "bundle"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<p>plain")
    (folder / "index.html.gz").write_bytes(gzip.compress(b"<p>compressed"))
    (folder / "assets" / "index-1.js").write_text("plain")
    (folder / "assets" / "index-1.js.gz").write_bytes(gzip.compress(b"compressed"))
    return folder


@pytest.fixture
async def client(bundle: Path) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(Starlette(routes=routes(bundle)))
    headers = {"Accept": BROWSER_ACCEPT}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://shop", headers=headers
    ) as client:
        yield client


@pytest.mark.parametrize("path", ["/", "/app"])
async def test_the_root_leads_to_the_page(client: httpx.AsyncClient, path: str) -> None:
    response = await client.get(path)

    assert (response.status_code, response.headers["location"]) == (307, "/app/")


@pytest.mark.parametrize("path", ["", "segments", "segments/seg_1/live", "customers/a.b%2Fc.js"])
async def test_each_address_of_the_page_has_the_same_document(
    client: httpx.AsyncClient, path: str
) -> None:
    response = await client.get(f"/app/{path}")
    again = await client.get(f"/app/{path}", headers={"If-None-Match": response.headers["etag"]})
    plain = await client.get(f"/app/{path}", headers={"Accept-Encoding": "identity"})

    assert (response.status_code, response.text) == (200, "<p>compressed")
    assert response.headers["content-type"].startswith("text/html")
    assert response.headers["cache-control"] == "no-cache"
    assert set(response.headers["content-security-policy"].split("; ")) == EXPECTED_POLICY
    assert again.status_code == 304
    assert plain.text == "<p>plain"


async def test_files_never_change_so_that_browsers_keep_them(client: httpx.AsyncClient) -> None:
    response = await client.get("/app/assets/index-1.js")

    assert response.text == "compressed"
    assert response.headers["content-type"].startswith("text/javascript")
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert response.headers["vary"] == "Accept-Encoding"


async def test_a_file_of_an_earlier_version_is_not_found(client: httpx.AsyncClient) -> None:
    assert (await client.get("/app/assets/index-0.js")).status_code == 404


async def test_only_a_browser_gets_the_page(client: httpx.AsyncClient) -> None:
    response = await client.get("/app/segments", headers={"Accept": "application/json"})

    assert response.status_code == 404
