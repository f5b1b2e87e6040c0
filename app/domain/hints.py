"""Hints: what a valid input probably does not mean."""

from dataclasses import dataclass

from app.errors import InputPath


@dataclass(frozen=True)
class Hint:
    """What is probably not meant; `path` locates it in the input."""

    message: str
    path: InputPath
