"""Which of the known words was probably meant."""

from collections.abc import Iterable, Mapping
from itertools import pairwise


def most_like(text: str, known: Mapping[str, set[str]]) -> str:
    """The one of the known words that looks most like the text."""
    wanted = _pairs(text[:100])

    def likeness(word: str) -> float:
        return len(known[word] & wanted) / (len(known[word]) + len(wanted))

    return max(known, key=likeness)


def pairs_of(words: Iterable[str]) -> dict[str, set[str]]:
    """Known words by which `most_like` can be asked."""
    return {word: _pairs(word) for word in words}


def _pairs(text: str) -> set[str]:
    """The pairs of neighbouring letters, the ends included: what similar words have in common."""
    return {first + second for first, second in pairwise(f" {text.casefold()} ")}
