"""Validation rules that can't be, and questions to them that make no sense."""

from typing import Any

from tests.api import Json
from tests.schema.hostile.requests import (
    HUGE_LENGTH,
    KNOWN_CUSTOMER,
    NUL,
    UNKNOWN_CUSTOMER_ID,
    UNKNOWN_SEGMENT_ID,
    Cases,
    condition,
)
from tests.validation_requests import CREATE_RULE, DELETE_RULE, UPDATE_RULE, VALIDATE

_UNKNOWN_RULE_ID = "val_" + "0" * 24
_GOOD_FILTER = condition("email", "HAS_VALUE")


def rule_input(filter_: Any = None, **fields: Any) -> Json:
    return {"input": {"name": "hostile", "filter": filter_ or _GOOD_FILTER, **fields}}


def question(rule: str = "{rule}", customer: Any = None, overrides: Any = None) -> Json:
    return {"rule": rule, "customer": customer or KNOWN_CUSTOMER, "overrides": overrides}


def update(id_: str = "{rule}", **fields: Any) -> Json:
    return {"id": id_, "input": fields}


VALIDATION_RULE_CASES: Cases = {
    **{
        f"validation rule named {name[:9]!r}": (query, variables, "INVALID input name")
        for name in ("", " \t", NUL, "n" * 256, "n" * HUGE_LENGTH)
        for query, variables in (
            (CREATE_RULE, rule_input(name=name)),
            (UPDATE_RULE, update(name=name)),
        )
    },
    "validation rule of a long message": (
        CREATE_RULE,
        rule_input(errorMessage="m" * 1_001),
        "INVALID input errorMessage",
    ),
    "validation rule with NUL": (
        CREATE_RULE,
        rule_input(errorMessage=NUL),
        "INVALID input errorMessage",
    ),
    "validation rule of nothing": (
        CREATE_RULE,
        rule_input({"all": []}),
        "FILTER_EMPTY input filter all",
    ),
    "validation rule of {}": (CREATE_RULE, {"input": {"name": "x", "filter": {}}}, "BAD_REQUEST"),
    "validation rule by a bad path": (
        CREATE_RULE,
        rule_input(condition("emial", "HAS_VALUE")),
        "UNKNOWN_ATTRIBUTE input filter attribute path",
    ),
    "validation rule on an unknown segment": (
        CREATE_RULE,
        rule_input({"segment": {"id": UNKNOWN_SEGMENT_ID}}),
        "NOT_FOUND input filter segment id",
    ),
    "validation rule without a name": (UPDATE_RULE, update(name=None), "INVALID input name"),
    "validation rule without a filter": (UPDATE_RULE, update(filter=None), "INVALID input filter"),
    "validation rule edited to a bad path": (
        UPDATE_RULE,
        update(filter=condition("emial", "HAS_VALUE")),
        "UNKNOWN_ATTRIBUTE input filter attribute path",
    ),
    **{
        f"validation rule {name} of {id_!r}": (query, variables, expected)
        for id_ in (_UNKNOWN_RULE_ID, "{known}", "", NUL)
        for name, query, variables, expected in (
            ("update", UPDATE_RULE, update(id_), "NOT_FOUND id"),
            ("deletion", DELETE_RULE, {"id": id_}, "NOT_FOUND id"),
            ("question", VALIDATE, question(id_), "NOT_FOUND ruleId"),
        )
    },
    "validation of nobody": (
        VALIDATE,
        question(customer={"id": UNKNOWN_CUSTOMER_ID}),
        "NOT_FOUND customer id",
    ),
    "validation of a customer with NUL": (
        VALIDATE,
        question(customer={"sourceId": NUL}),
        "INVALID customer sourceId",
    ),
    **{
        f"validation over {overrides!r}": (VALIDATE, question(overrides=overrides), expected)
        for overrides, expected in (
            ({"emial": "x"}, "INVALID overrides emial"),
            ({"metadata": []}, "METADATA_INVALID overrides metadata"),
            ({"metadata": {"word": 1}}, "-"),
            ({"events": {"seen": {"count": "x"}}}, "INVALID overrides events seen count"),
            ({"sourceId": "other"}, "INVALID overrides sourceId"),
        )
    },
}
