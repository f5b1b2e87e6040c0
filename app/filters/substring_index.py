"""The substring index: finds the customers whose name or email may contain a text.

Each customer stores n-grams in `searchKeys`: the letters of name and email from every position on,
at most MAX_NGRAM_LETTERS of them, without case. A name that contains a text has an n-gram that
begins with the first letters of the text. So a range of the index on the n-grams has all customers
who may match, and the exact condition selects among them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.filters.case_folding import fold_case, literal_regex
from app.filters.fields import FIELDS_BY_PATH
from app.filters.operators import Query
from app.filters.tree import AttributeCondition, Filter

# Earlier versions of this program remove a field of this name when they write a name or an email.
# So a customer never has the n-grams of an older name, also while processes of both versions run.
NGRAMS_FIELD = "searchKeys"
INDEXED_FIELDS = tuple(FIELDS_BY_PATH[path] for path in ("name", "email"))
MAX_NGRAM_LETTERS = 8
# Shorter texts are in the names of too many customers.
MIN_TEXT_LETTERS = 3
# Nearly all names and emails are shorter. Each n-gram is an entry of the index.
MAX_INDEXED_LETTERS = 200
# The only n-gram of a customer whose name or email has none: it may contain any text.
_UNINDEXED_NGRAM = ""
# The only n-gram of a customer without texts. An empty array would be found with those that have no
# n-grams: MongoDB looks for null there, too.
_NO_TEXT_NGRAM = "-"


def customer_ngrams(document: Mapping[str, Any]) -> list[str]:
    """Returns the n-grams of a customer's document, at least one."""
    ngrams: set[str] = set()
    for field in INDEXED_FIELDS:
        text = field.read(document)
        if text is None:
            continue
        if not isinstance(text, str) or len(text) > MAX_INDEXED_LETTERS:
            return [_UNINDEXED_NGRAM]
        folded = fold_case(text)
        ngrams.update(
            folded[start : start + MAX_NGRAM_LETTERS]
            for start in range(len(folded) - MIN_TEXT_LETTERS + 1)
        )
    return sorted(ngrams) or [_NO_TEXT_NGRAM]


@dataclass(frozen=True)
class SubstringCandidates:
    """The customers whose name or email may contain a text. `text` is folded, and has at least
    MIN_TEXT_LETTERS."""

    text: str

    @property
    def ngram_prefix(self) -> str:
        """What an n-gram of each candidate begins with."""
        return self.text[:MAX_NGRAM_LETTERS]

    @property
    def query(self) -> Query:
        """The query for the candidates, which the substring index serves.

        It includes customers without n-grams: those of an earlier version, and those that another
        program has written and that so lack `searchTokens`, too.
        """
        prefix_regex = literal_regex(self.ngram_prefix, ignore_case=False)
        return {
            "$or": [
                {NGRAMS_FIELD: {"$regex": f"^{prefix_regex}"}},
                {NGRAMS_FIELD: {"$in": [None, _UNINDEXED_NGRAM]}},
                {"searchTokens": None},
            ]
        }

    def includes(self, document: Mapping[str, Any]) -> bool:
        """Whether a customer's document matches the query."""
        ngrams = document.get(NGRAMS_FIELD)
        if ngrams is None or document.get("searchTokens") is None:
            return True
        return ngrams == [_UNINDEXED_NGRAM] or any(
            ngram.startswith(self.ngram_prefix) for ngram in ngrams
        )


def substring_candidates(filter_: Filter) -> SubstringCandidates | None:
    """Returns candidates that include all customers who meet the filter; None if the index does
    not serve it."""
    if not isinstance(filter_, AttributeCondition) or filter_.field not in INDEXED_FIELDS:
        return None
    text = fold_case(filter_.operator.required_substring(filter_.operand))
    return SubstringCandidates(text) if len(text) >= MIN_TEXT_LETTERS else None
