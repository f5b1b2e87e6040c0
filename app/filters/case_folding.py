"""Unicode's simple case folding: ẞ meets ß, but not ss."""

import sys
from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from itertools import groupby, takewhile

_REGEX_METACHARACTERS = frozenset("\\^$.|?*+()[]{}-/#")


def _fold_letter(letter: str) -> str:
    folded = letter.casefold()
    if len(folded) == 1:
        return folded
    # A full folding that grows has a simple one only where the lower case is a single letter.
    lower = letter.lower()
    return lower if len(lower) == 1 else letter


def fold_case(text: str) -> str:
    """The text with each letter replaced by the one that stands for all its cases."""
    if text.isascii():
        return text.lower()
    return "".join(map(_fold_letter, text))


@cache
def _case_variants() -> dict[str, str]:
    """All letters that fold to one, by that one; only where there are several."""
    letters_by_folded: defaultdict[str, list[str]] = defaultdict(list)
    for code_point in range(sys.maxunicode + 1):
        letter = chr(code_point)
        folded = _fold_letter(letter)
        if folded != letter:
            letters_by_folded[folded].append(letter)
    return {folded: folded + "".join(letters) for folded, letters in letters_by_folded.items()}


def literal_regex(text: str, ignore_case: bool) -> str:
    """A regular expression that matches just this text, in MongoDB's dialect.

    Cases are spelled out letter by letter, so that the database's own tables decide nothing.
    """
    if not ignore_case:
        return "".join(map(_escape_letter, text))
    variants = _case_variants()
    return "".join(
        f"[{variants[letter]}]" if letter in variants else _escape_letter(letter)
        for letter in fold_case(text)
    )


def any_literal_regex(texts: Sequence[str]) -> str:
    """A regular expression that matches just these texts, in any case; they are sorted.

    What they begin with is said once, so that the database gives up at the first other letter.
    """
    shared_letters = takewhile(lambda two: two[0] == two[1], zip(texts[0], texts[-1], strict=False))
    prefix = "".join(letter for letter, _ in shared_letters)
    if len(texts) == 1:
        return literal_regex(prefix, True)
    suffixes = (text[len(prefix) :] for text in texts)
    branches = (
        any_literal_regex(list(group)) for _, group in groupby(suffixes, key=lambda rest: rest[:1])
    )
    return f"{literal_regex(prefix, True)}(?:{'|'.join(branches)})"


def _escape_letter(letter: str) -> str:
    """So written MongoDB still knows with what a text begins, and looks for that in an index."""
    return f"\\{letter}" if letter in _REGEX_METACHARACTERS else letter
