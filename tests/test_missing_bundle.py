"""The page that stands in for a front end without a bundle."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from app.main import create_app
from app.npm_bundle import replace_bundle
from app.settings import Settings

pytestmark = pytest.mark.parametrize(
    ("path", "name", "module"),
    [
        ("/app/segments", "dashboard", "app.dashboard.build"),
        ("/graphql", "graphiql", "app.graphiql.build"),
    ],
)


@pytest.fixture
async def client(tmp_path: Path, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    bundles = {f"{name}_bundle": tmp_path / name for name in ("dashboard", "graphiql")}
    transport = httpx.ASGITransport(create_app(settings.model_copy(update=bundles)))
    async with httpx.AsyncClient(
        transport=transport, base_url="http://localhost", headers={"Accept": "text/html"}
    ) as client:
        yield client


async def test_it_tells_who_builds_the_bundle_and_reloads(
    client: httpx.AsyncClient, path: str, name: str, module: str
) -> None:
    response = await client.get(path)

    assert (response.status_code, response.headers["refresh"]) == (503, "3")
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["content-security-policy"].startswith("default-src 'none'")
    assert f"python -m {module}" in response.text
    heading = {"dashboard": "The dashboard", "graphiql": "GraphiQL"}[name]
    assert f"<h1>{heading} is not built yet</h1>" in response.text


async def test_without_node_it_tells_what_to_install(
    client: httpx.AsyncClient,
    path: str,
    name: str,
    module: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))

    response = await client.get(path)

    assert "Node.js 20.19 or newer is missing" in response.text


async def test_it_tells_the_step_of_the_build(
    client: httpx.AsyncClient, path: str, name: str, module: str, tmp_path: Path
) -> None:
    pages: list[str] = []

    async def add_page() -> None:
        pages.append((await client.get(path)).text)

    # What a build leaves that is killed.
    leftover = tmp_path / f".bundle-{name}-1"
    (leftover / "node_modules").mkdir(parents=True)
    await add_page()
    (leftover / "node_modules" / ".package-lock.json").touch()
    await add_page()

    def build_in(folder: Path) -> Path:
        assert [*tmp_path.glob(".bundle-*")] == [folder]
        (folder / "new").mkdir()
        return folder / "new"

    replace_bundle(name, tmp_path / name, build_in)
    await add_page()

    assert ["Step 1 of 2" in page for page in pages] == [True, False, False]
    assert ["Step 2 of 2" in page for page in pages] == [False, True, False]
