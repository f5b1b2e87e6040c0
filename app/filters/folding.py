"""Unicode's simple case folding: ẞ meets ß, but not ss."""

import sys
from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from itertools import groupby, takewhile

_SPECIAL = frozenset("\\^$.|?*+()[]{}-/#")


def _fold_letter(letter: str) -> str:
    folded = letter.casefold()
    if len(folded) == 1:
        return folded
    # A full folding that grows has a simple one only where the lower case is a single letter.
    lower = letter.lower()
    return lower if len(lower) == 1 else letter


def fold(text: str) -> str:
    """The text with each letter replaced by the one that stands for all its cases."""
    if text.isascii():
        return text.lower()
    return "".join(map(_fold_letter, text))


@cache
def _cases() -> dict[str, str]:
    """All letters that fold to one, by that one; only where there are several."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for point in range(sys.maxunicode + 1):
        letter = chr(point)
        folded = _fold_letter(letter)
        if folded != letter:
            found[folded].append(letter)
    return {folded: folded + "".join(letters) for folded, letters in found.items()}


def pattern(text: str, ignore_case: bool) -> str:
    """A regular expression that matches just this text, in MongoDB's dialect.

    Cases are spelled out letter by letter, so that the database's own tables decide nothing.
    """
    if not ignore_case:
        return "".join(map(_literal, text))
    cases = _cases()
    return "".join(
        f"[{cases[letter]}]" if letter in cases else _literal(letter) for letter in fold(text)
    )


def any_of(texts: Sequence[str]) -> str:
    """A regular expression that matches just these texts, in any case; they are sorted.

    What they begin with is said once, so that the database gives up at the first other letter.
    """
    alike = takewhile(lambda two: two[0] == two[1], zip(texts[0], texts[-1], strict=False))
    shared = "".join(letter for letter, _ in alike)
    if len(texts) == 1:
        return pattern(shared, True)
    rests = (text[len(shared) :] for text in texts)
    branches = (any_of(list(group)) for _, group in groupby(rests, key=lambda rest: rest[:1]))
    return f"{pattern(shared, True)}(?:{'|'.join(branches)})"


def _literal(letter: str) -> str:
    """So written MongoDB still knows with what a text begins, and looks for that in an index."""
    return f"\\{letter}" if letter in _SPECIAL else letter
