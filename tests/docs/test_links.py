"""The documents link to what is there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.documents import ROOT, code_spans, document_id, documents, prose

_LINK = re.compile(r"!?\[[^\]]*\]\((?!https?:)([^)\s]*)\)")
_SOURCE_FILE = re.compile(r"(?:app|tests|workers|graphql-schema)/[\w./-]+\.\w+")


def _anchors(document: Path) -> Iterator[str]:
    """The anchors of headings, as GitHub makes them."""
    for heading in re.findall(r"^#+ (.+)$", prose(document), re.MULTILINE):
        words = re.sub(r"[^\w\- ]", "", heading.lower())
        yield words.replace(" ", "-")


@pytest.mark.parametrize("document", documents(), ids=document_id)
def test_every_link_leads_somewhere(document: Path) -> None:
    for target in _LINK.findall(prose(document)):
        name, _, anchor = target.partition("#")
        linked = (document.parent / name).resolve() if name else document
        assert linked.exists(), target
        if anchor:
            assert anchor in _anchors(linked), target


@pytest.mark.parametrize("document", documents(), ids=document_id)
def test_every_file_that_a_document_names_exists(document: Path) -> None:
    for span in code_spans(document):
        if _SOURCE_FILE.fullmatch(span):
            assert (ROOT / span).exists(), span


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 200
