"""The substring index finds all customers who meet a condition on a part of a text."""

from typing import Any

import pytest

from app.filters import Catalog, Filter, parse, plans
from app.filters.pipeline import FilterParts, Plan
from app.filters.substring_index import (
    MAX_INDEXED_LETTERS,
    MAX_NGRAM_LETTERS,
    NGRAMS_FIELD,
    SubstringCandidates,
    customer_ngrams,
)
from tests.filters.corpus import NOWS, TEXTS
from tests.filters.dual_evaluator import DualEvaluator
from tests.filters.parse_cases import attribute_condition
from tests.filters.test_case_folding import CASE_FAMILIES

NOW = NOWS[0]


def ngram_prefix(wire: dict[str, Any]) -> str | None:
    """Returns the beginning of the n-grams by which the index finds the customers, or None."""
    candidates = FilterParts.split(parse(wire, Catalog()), NOW).substring_candidates
    return None if candidates is None else candidates.ngram_prefix


def has_plan(filter_: Filter) -> bool:
    return any(plan.plan is Plan.SUBSTRING_SCAN for plan in plans(filter_, NOW))


def test_ngrams_begin_at_each_letter_of_name_and_email() -> None:
    ngrams = customer_ngrams({"name": "Żaneta", "email": "A@b.pl"})
    assert set(ngrams) == {"żaneta", "aneta", "neta", "eta", "a@b.pl", "@b.pl", "b.pl", ".pl"}


def test_an_ngram_has_at_most_eight_letters() -> None:
    assert max(map(len, customer_ngrams({"name": "x" * 20}))) == MAX_NGRAM_LETTERS


def test_a_customer_without_a_text_has_an_ngram_that_no_text_begins_with() -> None:
    for document in ({}, {"name": None}, {"name": "ab", "email": ""}):
        assert customer_ngrams(document) == ["-"]


@pytest.mark.parametrize("name", ["x" * (MAX_INDEXED_LETTERS + 1), 7, ["Ann"]])
def test_a_customer_whose_texts_are_not_indexed_is_always_a_candidate(name: object) -> None:
    document = {"name": name, "email": "ann@example.com", "searchTokens": ["ann"]}
    ngrams = customer_ngrams(document)
    assert ngrams == [""]
    assert SubstringCandidates("abc").includes({**document, NGRAMS_FIELD: ngrams})


def test_letters_that_differ_in_case_have_the_same_ngrams() -> None:
    for family in CASE_FAMILIES:
        (ngrams,) = {tuple(customer_ngrams({"name": f"a{letter}b{letter}"})) for letter in family}
        prefixes = {ngram_prefix(attribute_condition("name", "CONTAINS", f"A{x}B")) for x in family}
        assert len(prefixes) == 1, family
        assert prefixes <= {ngram[:3] for ngram in ngrams}


CONTAINS_BERG = attribute_condition("email", "CONTAINS", "BERG.1")
NAME_ENDS = attribute_condition("name", "ENDS_WITH", "Kowalska-Nowak")
EVENT = {"event": {"name": "purchase", "value": 2, "within": {"last": "P30D"}}}


@pytest.mark.parametrize(
    ("wire", "prefix"),
    [
        (CONTAINS_BERG, "berg.1"),
        (NAME_ENDS, "kowalska"),
        (attribute_condition("name", "CONTAINS", "ann"), "ann"),
        (attribute_condition("name", "CONTAINS", "an"), None),
        (attribute_condition("name", "STARTS_WITH", "Anna", ignoreCase=True), "anna"),
        (attribute_condition("name", "IS", "Anna", ignoreCase=True), "anna"),
        # The index on the path serves these.
        (attribute_condition("name", "STARTS_WITH", "Anna"), None),
        (attribute_condition("name", "IS", "Anna"), None),
        (attribute_condition("name", "NOT_CONTAINS", "anna"), None),
        (attribute_condition("phone", "CONTAINS", "anna"), None),
        (attribute_condition("metadata.name", "CONTAINS", "anna"), None),
        ({"none": [CONTAINS_BERG]}, None),
        ({"any": [CONTAINS_BERG, NAME_ENDS]}, None),
        # The longest text is the rarest, as a rule.
        ({"all": [CONTAINS_BERG, NAME_ENDS, EVENT]}, "kowalska"),
        ({"all": [{"none": [NAME_ENDS]}, {"all": [CONTAINS_BERG]}]}, "berg.1"),
        ({"none": [{"none": [CONTAINS_BERG]}]}, "berg.1"),
    ],
)
def test_which_filters_it_serves(wire: dict[str, Any], prefix: str | None) -> None:
    assert ngram_prefix(wire) == prefix
    assert has_plan(parse(wire, Catalog())) is (prefix is not None)


PARTS = sorted({part for text in TEXTS for part in (text[:3], text[-3:], text) if part})


@pytest.mark.parametrize("path", ["name", "email"])
@pytest.mark.parametrize("ignore_case", [False, True])
def test_its_plan_finds_the_members(
    path: str, ignore_case: bool, dual_evaluator: DualEvaluator
) -> None:
    planned = found = 0
    # Where case counts, the other two have an index of their own.
    operators = ("CONTAINS", "ENDS_WITH", *(("STARTS_WITH", "IS") if ignore_case else ()))
    for operator in operators:
        for part in PARTS:
            wire = attribute_condition(path, operator, part, ignoreCase=ignore_case)
            filter_ = parse(wire, Catalog())
            for plan in plans(filter_, NOW):
                if plan.plan is Plan.SUBSTRING_SCAN:
                    members = dual_evaluator.run_plan(plan)
                    assert members == dual_evaluator.select_by_evaluator(filter_, NOW), wire
                    planned += 1
                    found += len(members)
    assert min(planned, found) > 100


def test_the_candidates_in_mongodb_and_in_the_process_are_the_same(
    dual_evaluator: DualEvaluator,
) -> None:
    for text in ("ann", "example.", "straße", "οδο"):
        candidates = SubstringCandidates(text)
        found = dual_evaluator.find_customers(candidates.query)
        assert found == {
            id_
            for id_, facts in dual_evaluator.customers.items()
            if candidates.includes(facts.document)
        }
        assert len(found) < len(dual_evaluator.customers)
