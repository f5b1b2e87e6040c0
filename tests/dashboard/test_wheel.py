"""The wheel carries both bundles, built from its sources, and needs no Node.js."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.dashboard.conftest import SETUP_SECONDS, Workshop

pytestmark = pytest.mark.timeout(SETUP_SECONDS)

_ROOT = Path(__file__).parents[2]
_GET_PAGES = """
import asyncio, httpx
from app.main import create_app
from app.settings import Settings

async def main():
    settings = Settings(mongodb_url="mongodb://127.0.0.1:1", redis_url="redis://127.0.0.1:1")
    transport = httpx.ASGITransport(create_app(settings))
    async with httpx.AsyncClient(
        transport=transport, base_url="http://localhost", headers={"Accept": "text/html"}
    ) as client:
        for path in ("/app/", "/graphql", "/graphql/static/graphiql.js"):
            print((await client.get(path)).status_code)

asyncio.run(main())
"""


@pytest.fixture
def checkout(tmp_path: Path, workshop: Workshop, graphiql_bundle: Path) -> Path:
    """A copy of the sources with bundles that are built from them."""
    folder = tmp_path / "checkout"
    ignored = shutil.ignore_patterns("node_modules", "dist", "__pycache__")
    for name in ("app", "workers", "graphql-schema"):
        shutil.copytree(_ROOT / name, folder / name, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(_ROOT / name, folder)
    shutil.copytree(workshop.bundle, folder / "app" / "dashboard" / "dist")
    shutil.copytree(graphiql_bundle, folder / "app" / "graphiql" / "dist")
    return folder


def build_wheel(checkout: Path, programs: Path) -> subprocess.CompletedProcess[str]:
    """Builds it with no program on PATH, so without Node.js."""
    programs.mkdir()
    (programs / "python").symlink_to(sys.executable)
    return subprocess.run(
        [programs / "python", "-m", "hatchling", "build", "-t", "wheel"],
        cwd=checkout,
        env={"PATH": str(programs), "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_serves_both_pages_without_sources(checkout: Path, tmp_path: Path) -> None:
    built = build_wheel(checkout, tmp_path / "programs")
    assert built.returncode == 0, built.stderr
    (wheel,) = (checkout / "dist").iterdir()
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        archive.extractall(tmp_path / "installed")

    served = subprocess.run(
        [sys.executable, "-P", "-c", _GET_PAGES],
        cwd=tmp_path,
        env={"PATH": "", "PYTHONPATH": str(tmp_path / "installed")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert served.stdout.split() == ["200", "200", "200"], served.stderr
    sources = (".tsx", ".ts", ".jsx", ".png", "package.json", "package-lock.json", "wheel_hook.py")
    assert [name for name in names if name.endswith(sources)] == []
    assert "app/graphiql/operations/list_segments.graphql" in names


@pytest.mark.parametrize("source", ["dashboard/src/main.tsx", "graphiql/main.jsx"])
def test_a_stale_bundle_is_built_again_or_no_wheel_is_made(
    checkout: Path, tmp_path: Path, source: str
) -> None:
    with (checkout / "app" / source).open("a") as file:
        file.write("// changed\n")

    built = build_wheel(checkout, tmp_path / "programs")

    assert built.returncode == 1
    assert f"app.{source.partition('/')[0]}.build failed: " in built.stderr
    assert "is not on PATH" in built.stderr
    assert not [*checkout.rglob("*.whl")]
