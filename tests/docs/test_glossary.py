"""The words that the glossary of app/README.md retires do not come back as names."""

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from itertools import combinations
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
Words = tuple[str, ...]

_LOG_METHODS = ("debug", "info", "warning", "error", "exception")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


@cache
def _words(name: str) -> Words:
    return tuple(word.lower() for word in _WORD.findall(name))


def _retired() -> list[str]:
    """The names in the last column of the table."""
    glossary = (ROOT / "app/README.md").read_text().split("\n## Glossary\n")[1].split("\n## ")[0]
    rows = [line.split("|") for line in glossary.splitlines() if line.startswith("| ")]
    return [name for _, _, _, retired, _ in rows for name in re.findall(r"`([^`]+)`", retired)]


def _names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Identifiers, names of metrics and of fields of documents, and log events, with their line."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.lineno, node.name
            case ast.Name():
                yield node.lineno, node.id
            case ast.arg():
                yield node.lineno, node.arg
            case ast.Attribute():
                yield node.lineno, node.attr
            case ast.Constant(value=str(text)) if re.fullmatch(r"[$\w.]+", text):
                yield node.lineno, text
            case ast.Call(
                func=ast.Attribute(attr=method), args=[ast.Constant(value=str(event)), *_]
            ):
                if method in _LOG_METHODS:
                    yield node.lineno, event


@cache
def _word_runs(name: str) -> frozenset[Words]:
    """All words of a name that are in a row."""
    words = _words(name)
    return frozenset(words[start:end] for start, end in combinations(range(len(words) + 1), 2))


class _RetiredNames:
    def __init__(self, names: list[str]) -> None:
        self._classes = {name for name in names if name[0].isupper()}
        self._words = {_words(name) for name in names if name not in self._classes}

    def has(self, name: str) -> bool:
        """Whether a name is a retired class's, or has the words of another retired name in a
        row."""
        return name in self._classes or not self._words.isdisjoint(_word_runs(name))


def _offences(source: str, retired: _RetiredNames) -> list[tuple[int, str]]:
    return [(line, name) for line, name in _names(ast.parse(source)) if retired.has(name)]


def _modules() -> list[str]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "app", "workers"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return [name for name in listed.stdout.splitlines() if name.endswith(".py")]


@pytest.mark.parametrize(
    "source",
    [
        "class Bringing: ...",
        "def set_back_bringing(): ...",
        'log.warning("no bringing here")',
        'query = {"bringingAt": 1}',
        "document.bringing",
    ],
)
def test_a_retired_name_is_found(source: str) -> None:
    assert _offences(source, _RetiredNames(["bringing"]))
    assert not _offences(source, _RetiredNames(["bring", "bringing_back", "Bring"]))


def test_no_retired_name_is_in_use() -> None:
    names = _retired()
    assert len(names) >= 30
    retired, found = _RetiredNames(names), []
    for module in _modules():
        if any(map(retired.has, module.split("/"))):
            found.append((module, 0, "the module's name"))
        found += [(module, *each) for each in _offences((ROOT / module).read_text(), retired)]
    assert not found, "\n".join(map(str, found))
