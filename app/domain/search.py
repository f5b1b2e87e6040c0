"""Search of customers: what a customer is found by, and what a search looks for.

A text is folded first: case and diacritics do not count. Each term of a search must begin a word of
the customer's name or email, or be the whole phone number or sourceId.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Self
from unicodedata import category, combining, name, normalize

from app.filters.case_folding import fold_case
from app.filters.fields import is_storable
from app.filters.substring_index import NGRAMS_FIELD, customer_ngrams
from app.unicode_text import to_nfc

SEARCHABLE_FIELDS = ("name", "email", "phone", "sourceId")
SEARCH_FIELDS = ("searchWords", "searchTokens", NGRAMS_FIELD)
PREFIX_LETTERS = 3
# The API allows no longer texts. Other programs may write them.
MAX_SEARCHED_CHARACTERS = 1_000
_MAX_WORDS_PER_CHUNK = 50
_WORD_FIELDS = ("name", "email")
_WHOLE_FIELDS = ("phone", "sourceId")
# No word begins with a blank, so a whole text does not collide with the beginning of a word.
_WHOLE_TEXT_MARK = " "
_SEPARATORS = re.compile(r"[\s,;]+")
_INNER_WORD_START = re.compile(r"(?<=[\W_])[^\W_]")
_LATIN_VARIANT = re.compile(r"LATIN SMALL LETTER (?:DOTLESS )?([A-Z])(?: WITH .+)?")
# Letters beyond this code point are folded without the cache, which so stays small.
_MAX_CACHED_CODE_POINT = 0x3000


class _FoldedLetters(dict[int, str]):
    """Folded letters by code point, for `str.translate`."""

    def __missing__(self, code_point: int) -> str:
        folded = _fold_letter(chr(code_point))
        if code_point <= _MAX_CACHED_CODE_POINT:
            self[code_point] = folded
        return folded


def _fold_letter(letter: str) -> str:
    base = "".join(part for part in normalize("NFD", letter) if not combining(part))
    return normalize("NFC", "".join(map(_plain_latin_letter, fold_case(base))))


def _plain_latin_letter(letter: str) -> str:
    """Returns l for ł and o for ø: Unicode does not decompose letters with a stroke."""
    variant = _LATIN_VARIANT.fullmatch(name(letter, ""))
    return variant[1].lower() if variant else letter


_FOLDED_LETTERS = _FoldedLetters()


def fold(text: str) -> str:
    """Returns the text as search compares it, without case and diacritics."""
    return text.lower() if text.isascii() else to_nfc(text).translate(_FOLDED_LETTERS)


def search_fields(document: Mapping[str, Any]) -> dict[str, list[str]]:
    """Returns the fields of a customer's document that search and the substring index need.

    `searchWords` has the words of name and email, matched by their beginnings. A word reaches to
    the next separator, whatever punctuation it contains: `ann@example.com` has the words
    `ann@example.com`, `example.com` and `com`. `searchTokens` has the texts that are matched
    exactly: the first three letters of each word, and the whole phone number and sourceId.
    NGRAMS_FIELD has the n-grams of the substring index.
    """
    words: set[str] = set()
    for key in _WORD_FIELDS:
        if document.get(key):
            words.update(_words(str(document[key])))
    tokens = {word[:PREFIX_LETTERS] for word in words if len(word) >= PREFIX_LETTERS}
    tokens |= {whole_token(str(document[key])) for key in _WHOLE_FIELDS if document.get(key)}
    return {
        "searchWords": sorted(words),
        "searchTokens": sorted(tokens),
        NGRAMS_FIELD: customer_ngrams(document),
    }


def email_key(email: str) -> str:
    """Returns the email as it is compared with others: without case, but with diacritics."""
    return fold_case(to_nfc(email.strip()))


def email_word(email: str) -> str | None:
    """Returns a word that is in `searchWords` of each customer with this email; None if nobody can
    have it."""
    return next(iter(_split(fold(email[:MAX_SEARCHED_CHARACTERS]))), None)


def _words(text: str) -> list[str]:
    chunks = _split(fold(text[:MAX_SEARCHED_CHARACTERS]))
    words = list(chunks)
    for chunk in chunks:
        if not chunk.isalnum():
            inner_starts = _INNER_WORD_START.finditer(chunk, 1)
            words += [
                chunk[match.start() :]
                for match in islice(inner_starts, _MAX_WORDS_PER_CHUNK)
                # A vowel sign of an Indic script is a mark, not a letter, and ends no word.
                if category(chunk[match.start() - 1])[0] != "M"
            ]
    return words


def _split(folded_text: str) -> list[str]:
    return [chunk for chunk in _SEPARATORS.split(folded_text) if chunk]


def whole_token(text: str) -> str:
    """Returns the token of a phone number or sourceId. Several blanks count as one."""
    return _WHOLE_TEXT_MARK + " ".join(fold(text).split())


@dataclass(frozen=True, slots=True)
class Search:
    """What a customer must have: all `terms`, or the whole text as phone number or sourceId.
    `terms` are folded and distinct, the longest first."""

    terms: tuple[str, ...]
    whole_text: str

    @classmethod
    def parse(cls, text: str | None) -> Self | None:
        """Returns the search; None if the text is empty, which finds all customers."""
        if text is None or not text.strip():
            return None
        folded = fold(text.strip())
        terms = set(_split(folded)) or {folded}
        return cls(tuple(sorted(terms, key=lambda term: (-len(term), term))), folded)

    @property
    def can_match(self) -> bool:
        """Whether a customer can have this text: it can be stored, and is not too long."""
        return len(self.whole_text) <= MAX_SEARCHED_CHARACTERS and is_storable(self.whole_text)

    @property
    def whole_tokens(self) -> list[str]:
        """The tokens of the whole text and of each term."""
        return [whole_token(text) for text in {self.whole_text, *self.terms}]
