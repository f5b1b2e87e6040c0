"""Case-insensitive comparison by Unicode's simple case folding: ẞ equals ß, but not ss.

MongoDB's regular expressions fold letters by another table than Python. The patterns made here
list the cases of each letter, so that both engines use the table of this module.
"""

from collections import defaultdict
from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import groupby, takewhile

# Unicode has no upper and lower case beyond the first two planes.
_CASED_CODE_POINTS = 0x20000
_MAX_CACHED_REGEXES = 1_000
_REGEX_METACHARACTERS = frozenset("\\^$.|?*+()[]{}-/#")


def _fold_letter(letter: str) -> str:
    folded = letter.casefold()
    if len(folded) == 1:
        return folded
    # Where the full folding has several letters, the simple one is the lower case if that has one.
    lower = letter.lower()
    return lower if len(lower) == 1 else letter


def fold_case(text: str) -> str:
    """The text with each letter replaced by its folded form."""
    if text.isascii():
        return text.lower()
    return text.translate(_folded_letters())


@cache
def _folded_letters() -> dict[int, str]:
    """Maps the letters that fold to another one, as `str.translate` takes them."""
    return {
        code_point: folded
        for code_point in range(_CASED_CODE_POINTS)
        if (folded := _fold_letter(letter := chr(code_point))) != letter
    }


@cache
def _case_variants() -> dict[str, str]:
    """Maps a folded letter to all letters that fold to it, if there are several."""
    letters_by_folded: defaultdict[str, list[str]] = defaultdict(list)
    for code_point, folded in _folded_letters().items():
        letters_by_folded[folded].append(chr(code_point))
    return {folded: folded + "".join(letters) for folded, letters in letters_by_folded.items()}


@lru_cache(_MAX_CACHED_REGEXES)
def literal_regex(text: str, ignore_case: bool) -> str:
    """A regular expression of MongoDB's dialect that matches exactly this text.

    With `ignore_case` it lists the cases of each letter.
    """
    if not ignore_case:
        return "".join(map(_escape_letter, text))
    variants = _case_variants()
    return "".join(
        f"[{variants[letter]}]" if letter in variants else _escape_letter(letter)
        for letter in fold_case(text)
    )


def any_literal_regex(texts: Sequence[str]) -> str:
    """A regular expression that matches exactly these sorted texts, ignoring case.

    Common prefixes appear once (a trie), so that MongoDB stops at the first letter that differs.
    """
    shared_letters = takewhile(
        lambda pair: pair[0] == pair[1], zip(texts[0], texts[-1], strict=False)
    )
    prefix = "".join(letter for letter, _ in shared_letters)
    if len(texts) == 1:
        return literal_regex(prefix, True)
    suffixes = (text[len(prefix) :] for text in texts)
    branches = (
        any_literal_regex(list(group))
        for _, group in groupby(suffixes, key=lambda suffix: suffix[:1])
    )
    return f"{literal_regex(prefix, True)}(?:{'|'.join(branches)})"


def _escape_letter(letter: str) -> str:
    """Escapes a letter with a backslash, a form from which MongoDB derives index prefixes."""
    return f"\\{letter}" if letter in _REGEX_METACHARACTERS else letter
