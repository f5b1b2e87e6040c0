"""The documents of the project, and the code in them."""

import re
import subprocess
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
_FENCED_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def documents() -> list[Path]:
    """Returns all Markdown files, with those that are not committed yet."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return [ROOT / name for name in listed.stdout.splitlines()]


def document_id(document: Path) -> str:
    return str(document.relative_to(ROOT))


def prose(document: Path) -> str:
    """Returns the text without fenced blocks."""
    return _FENCED_BLOCK.sub("", document.read_text())


def shell_blocks(document: Path) -> list[str]:
    """Returns the fenced blocks of shell code."""
    return [
        text for language, text in _FENCED_BLOCK.findall(document.read_text()) if language == "sh"
    ]


def indented_lines(document: Path) -> list[str]:
    """Returns the lines of indented code blocks, which the documents use for commands only."""
    return [line.strip() for line in prose(document).splitlines() if line.startswith("    ")]


def code_spans(document: Path) -> list[str]:
    """Returns the inline code, each span on one line and without the escapes of table cells."""
    spans = re.findall(r"`([^`]+)`", prose(document))
    return [" ".join(span.replace(r"\|", "|").split()) for span in spans]


def compose() -> dict[str, Any]:
    """Returns the content of compose.yaml."""
    content: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
    return content
