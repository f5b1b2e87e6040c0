"""Unicode case folding, letter by letter, equal in MongoDB and in Python."""

import sys
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient

from app.filters import Catalog, Filter, parse
from app.filters.case_folding import fold_case
from app.filters.tree import AllOf
from tests.filters.corpus import NOWS
from tests.filters.dual_evaluator import DualEvaluator, open_dual_evaluator

# As many letters as a filter's text may have.
_LETTERS_PER_TEXT = 1_000
LETTERS = [chr(n) for n in range(1, sys.maxunicode + 1) if not 0xD800 <= n <= 0xDFFF]


def _case_families() -> list[list[str]]:
    """Returns the letters that differ in case alone, by the standard library."""
    families: defaultdict[str, list[str]] = defaultdict(list)
    for letter in LETTERS:
        folded = letter.casefold()
        # Where the full folding is longer, the simple one, if there is one, is the lower case.
        if len(folded) > 1:
            folded = letter.lower() if len(letter.lower()) == 1 else letter
        families[folded].append(letter)
    return [letters for letters in families.values() if len(letters) > 1]


CASE_FAMILIES = _case_families()


def _texts() -> list[str]:
    return [
        "".join(LETTERS[n : n + _LETTERS_PER_TEXT])
        for n in range(0, len(LETTERS), _LETTERS_PER_TEXT)
    ]


def _name_filter(operator: str, value: Any, ignore_case: bool = True) -> Filter:
    wire = {"path": "name", "operator": operator, "value": value, "ignoreCase": ignore_case}
    return parse({"attribute": wire}, Catalog())


@pytest.fixture(scope="module")
def letters_evaluator(mongo_client: MongoClient[dict[str, Any]]) -> Iterator[DualEvaluator]:
    cased = [letter for family in CASE_FAMILIES for letter in family]
    odd = ["ss", "i\u0307", "İ", "ı", "ﬀ", "ff", "\u02bcn", "ŉ"]
    documents = [{"_id": name, "name": name} for name in {*cased, *odd}]
    with open_dual_evaluator(mongo_client, {"customers": documents}) as found:
        yield found


@pytest.fixture(scope="module")
def texts_evaluator(mongo_client: MongoClient[dict[str, Any]]) -> Iterator[DualEvaluator]:
    documents = [{"_id": n, "sourceId": str(n), "name": t} for n, t in enumerate(_texts())]
    with open_dual_evaluator(mongo_client, {"customers": documents}) as found:
        yield found


def test_there_are_as_many_families_as_in_unicode() -> None:
    assert len(CASE_FAMILIES) > 1_400


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        *[("ẞ", "ß", True), ("ẞ", "ss", False), ("ß", "SS", False), ("K", "\u212a", True)],
        *[("ſ", "S", True), ("ς", "Σ", True), ("ς", "σ", True), ("ǅ", "Ǆ", True), ("ǅ", "ǆ", True)],
        *[("İ", "i", False), ("ı", "i", False), ("ı", "I", False), ("ᾳ", "ᾼ", True)],
        *[("𐐀", "𐐨", True), ("é", "É", True), ("é", "e\u0301", False), ("Å", "\u212b", True)],
    ],
)
def test_fold(one: str, other: str, meet: bool) -> None:
    assert (fold_case(one) == fold_case(other)) is meet


def test_the_letters_of_a_family_meet_and_no_others(letters_evaluator: DualEvaluator) -> None:
    for family in CASE_FAMILIES:
        tree = _name_filter("IS", family[-1])
        assert letters_evaluator.select_by_pipeline(tree, NOWS[0]) == set(family)


def test_the_evaluator_folds_the_same(letters_evaluator: DualEvaluator) -> None:
    for family in CASE_FAMILIES[::20]:
        assert letters_evaluator.select_by_evaluator(
            _name_filter("IS", family[-1]), NOWS[0]
        ) == set(family)


@pytest.mark.parametrize("ignore_case", [False, True])
def test_every_text_contains_itself(texts_evaluator: DualEvaluator, ignore_case: bool) -> None:
    for number, text in enumerate(_texts()):
        alone = parse(
            {"attribute": {"path": "sourceId", "operator": "IS", "value": str(number)}}, Catalog()
        )
        tree = AllOf((alone, _name_filter("CONTAINS", text, ignore_case)))
        assert texts_evaluator.select_by_pipeline(tree, NOWS[0]) == {number}


def test_the_largest_lists_and_texts(letters_evaluator: DualEvaluator) -> None:
    """The longest lists and texts that a filter may contain, of the letters with the most cases."""
    wide = max(CASE_FAMILIES, key=lambda family: len("".join(family).encode()))
    for letter in (wide[0], "k", "s", "\u0345", "."):
        for operator in ("IS", "STARTS_WITH", "CONTAINS"):
            letters_evaluator.select_by_pipeline(
                _name_filter(operator, letter * _LETTERS_PER_TEXT), NOWS[0]
            )
    long = [f"{n:04}" + "k" * 200 for n in range(5_000)]
    assert letters_evaluator.select_by_pipeline(_name_filter("IN", [*long, "SS"]), NOWS[0]) == {
        "ss"
    }
    many = [f"customer {n}" for n in range(9_999)]
    assert letters_evaluator.select_by_pipeline(_name_filter("IN", [*many, "SS"]), NOWS[0]) == {
        "ss"
    }
