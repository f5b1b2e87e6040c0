"""The documents link to what is there."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_LINK = re.compile(r"!?\[[^\]]*\]\((?!https?:)([^)\s]*)\)")
_CODE_BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"python -m (tests\.[\w.]+)")


def _documents() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return [ROOT / name for name in listed.stdout.splitlines()]


def _prose(document: Path) -> str:
    return _CODE_BLOCK.sub("", document.read_text())


def _anchors(document: Path) -> Iterator[str]:
    """The anchors of headings, as GitHub makes them."""
    for heading in re.findall(r"^#+ (.+)$", _prose(document), re.MULTILINE):
        words = re.sub(r"[^\w\- ]", "", heading.lower())
        yield words.replace(" ", "-")


@pytest.mark.parametrize("document", _documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(document: Path) -> None:
    for target in _LINK.findall(_prose(document)):
        name, _, anchor = target.partition("#")
        linked = (document.parent / name).resolve() if name else document
        assert linked.exists(), target
        if anchor:
            assert anchor in _anchors(linked), target


def test_every_module_that_the_documents_run_is_there() -> None:
    commands = {
        name for document in _documents() for name in _COMMAND.findall(document.read_text())
    }
    assert commands
    for name in commands:
        path = ROOT / Path(*name.rstrip(".").split("."))
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), name


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 200
