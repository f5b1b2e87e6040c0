"""The commands in the documents can be run: their options and arguments are parsed.

Each command goes to the parser of its program, which then does not run it. Other tests run the tour
of README.md (tests/local/test_readme.py) and the JavaScript clients (tests/subscriptions).
"""

import argparse
import importlib.util
import itertools
import re
import runpy
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import typer.main

from app import cli
from tests.docs.documents import (
    ROOT,
    code_spans,
    compose,
    document_id,
    documents,
    indented_lines,
    shell_blocks,
)

Arguments = list[str]

_BENCHMARKS = ROOT / "tests" / "benchmarks" / "README.md"
_COMPOSE = ROOT / "compose.yaml"
_TOUR = ROOT / "README.md"


class _Parsed(Exception):
    """The program has parsed its arguments."""


def _commands_in(line: str) -> Iterator[Arguments]:
    """Yields the commands of a line. `a|b` stands for either word, `[a b]` for optional words."""
    words = shlex.split(re.sub(r"(?<= )\[.+?\]", _quote_group, line), comments=True)
    for is_separator, command in itertools.groupby(words, lambda word: word == "&&"):
        if not is_separator:
            for choice in itertools.product(*map(_alternatives, command)):
                yield [word for group in choice for word in shlex.split(group)]


def _quote_group(match: re.Match[str]) -> str:
    return shlex.quote(match[0])


def _alternatives(word: str) -> list[str]:
    if optional := re.fullmatch(r"\[(.+)\]", word):
        words = [_alternatives(part) for part in shlex.split(optional[1])]
        return ["", *map(" ".join, itertools.product(*words))]
    return [*map(shlex.quote, word.split("|"))]


def _documented_commands() -> Iterator[tuple[Path, Arguments]]:
    for document in documents():
        blocks = [] if document == _TOUR else shell_blocks(document)
        lines = [*itertools.chain.from_iterable(map(str.splitlines, blocks))]
        for line in [*lines, *indented_lines(document)]:
            yield from ((document, command) for command in _commands_in(line))
        for span in code_spans(document):
            if (command := _command_of_span(document, span)) is not None:
                yield from ((document, choice) for choice in _commands_in(command))

    yield from ((_COMPOSE, command) for command in _compose_commands())


def _compose_commands() -> Iterator[Arguments]:
    """Yields the commands of compose.yaml that run our image."""
    for service in compose()["services"].values():
        if "build" in service:
            yield ["segments", *service["command"]]
    for line in _COMPOSE.read_text().splitlines():
        if match := re.search(r"docker compose run (?:--rm )?api (.+)", line):
            yield ["segments", *shlex.split(match[1])]


def _command_of_span(document: Path, span: str) -> str | None:
    """The command in a code span; None if the span only names a program or a subcommand."""
    if re.match(r"(python3? -m|pytest|pip|segments \w+) [^…]*$", span):
        return span
    if document == _BENCHMARKS and (match := re.match(r"(\w+) --", span)):
        return f"python -m tests.benchmarks.{span}" if _find_module(_benchmark(match[1])) else None
    return None


def _benchmark(name: str) -> str:
    return f"tests.benchmarks.{name}"


def _find_module(name: str) -> Path | None:
    """The file that `python -m` runs."""
    for candidate in (f"{name}.__main__", name):
        try:
            spec = importlib.util.find_spec(candidate)
        except ModuleNotFoundError:
            continue
        if spec is not None and spec.origin is not None:
            return Path(spec.origin)
    return None


def _check_segments(arguments: Arguments) -> None:
    group = typer.main.get_command(cli.app)
    assert isinstance(group, typer.core.TyperGroup)
    _disable(group)
    group.main(arguments, prog_name="segments", standalone_mode=False)


def _disable(group: typer.core.TyperGroup) -> None:
    """Makes the commands of the group, and of groups in it, parse their arguments only."""
    for command in group.commands.values():
        if isinstance(command, typer.core.TyperGroup):
            _disable(command)
        else:
            command.callback = lambda **parameters: None


def _check_python(arguments: Arguments) -> None:
    option, module, *rest = arguments
    assert option == "-m"
    if module == "venv":
        return
    file = _find_module(module)
    assert file is not None, f"there is no module {module}"
    if "ArgumentParser" not in file.read_text():
        assert not rest, f"{module} takes no arguments"
        return
    _check_argparse(module, rest)


def _check_argparse(module: str, arguments: Arguments) -> None:
    parse_args = argparse.ArgumentParser.parse_args

    def parse_only(parser: argparse.ArgumentParser, *args: object, **kwargs: object) -> None:
        parse_args(parser, *args, **kwargs)
        raise _Parsed

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse_only)
        monkeypatch.setattr(sys, "argv", [module, *arguments])
        monkeypatch.delitem(sys.modules, module, raising=False)
        try:
            runpy.run_module(module, run_name="__main__")
        except _Parsed:
            return
        except SystemExit as exit_:
            if exit_.code == 0:
                return
    raise AssertionError(f"{module} rejects the arguments, or parses none")


def _check_pytest(arguments: Arguments) -> None:
    options = [argument for argument in arguments if argument.startswith("-")]
    for path in arguments:
        assert path in options or (ROOT / path).exists(), path
    if options:
        small = ["--collect-only", "tests/test_logs.py"]
        command = [sys.executable, "-m", "pytest", *options, *small]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)


def _check_pip(arguments: Arguments) -> None:
    command, *rest = arguments
    assert (command, rest[:-1]) == ("install", ["-e"])
    extras = re.fullmatch(r"\.\[(.*)\]", rest[-1])
    assert extras is not None
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(extras[1].split(",")) <= set(project["optional-dependencies"])


_CHECKS: dict[str, Callable[[Arguments], None]] = {
    "segments": _check_segments,
    "python": _check_python,
    "python3": _check_python,
    "pytest": _check_pytest,
    "pip": _check_pip,
}


def _check(command: Arguments) -> None:
    """Raises an error if the program of the command would reject its arguments."""
    program, *arguments = command
    _CHECKS[Path(program).name](arguments)


_COMMANDS = list(dict.fromkeys((document_id(d), shlex.join(c)) for d, c in _documented_commands()))


@pytest.mark.parametrize(("document", "command"), _COMMANDS)
def test_a_command_in_a_document_is_valid(document: str, command: str) -> None:
    _check(shlex.split(command))


def test_commands_of_all_kinds_are_found() -> None:
    programs = {Path(shlex.split(command)[0]).name for _, command in _COMMANDS}
    assert programs == _CHECKS.keys()


def test_each_subcommand_in_a_document_exists() -> None:
    group = typer.main.get_command(cli.app)
    assert isinstance(group, typer.core.TyperGroup)
    named = {
        match[1]
        for document in documents()
        for span in code_spans(document)
        if (match := re.match(r"segments (\w+)", span))
    }
    assert named == group.commands.keys()


@pytest.mark.parametrize(
    "command",
    [
        "segments up --simple",
        "segments start",
        "segments worker --only nothing",
        "segments import customers",
        "python -m tests.engine.model --kill-all",
        "python -m tests.engine.model --members 2",
        "python -m tests.engine.no_model",
        "python -m tests.benchmarks.membership --size 1",
        "pytest tests/nowhere",
        "pytest --no-such-option",
        "pip install -e .[nothing]",
    ],
)
def test_an_invalid_command_is_detected(command: str) -> None:
    with pytest.raises((Exception, SystemExit)):
        _check(shlex.split(command))
