"""Customers that can't be."""

from tests.schema.hostile.requests import (
    GONE,
    MANY,
    NOTHING,
    NUL,
    UPSERT,
    UPSERTS,
    Cases,
    customer,
    nested,
    upsert_literal,
)

CUSTOMERS: Cases = {
    "sourceId empty": (UPSERT, customer(sourceId=""), "INVALID input sourceId"),
    "sourceId with NUL": (UPSERT, customer(sourceId="a" + NUL), "INVALID input sourceId"),
    "sourceId of 256": (UPSERT, customer(sourceId="a" * 256), "INVALID input sourceId"),
    "sourceId of 2 MB": (UPSERT, customer(sourceId="a" * MANY), "INVALID input sourceId"),
    "sourceId null": (UPSERT, customer(sourceId=None), "BAD_REQUEST"),
    "sourceId a number": (UPSERT, customer(sourceId=5), "BAD_REQUEST"),
    "sourceId an object": (UPSERT, customer(sourceId={"$gt": ""}), "BAD_REQUEST"),
    "a key that is none": (UPSERT, customer(password="x"), "BAD_REQUEST"),
    **{
        f"{key} with NUL": (UPSERT, customer(**{key: NUL}), f"INVALID input {key}")
        for key in ("name", "email", "phone", "description", "source")
    },
    **{
        f"{key} of 2 MB": (UPSERT, customer(**{key: "x" * MANY}), f"INVALID input {key}")
        for key in ("name", "description")
    },
    "address with NUL": (UPSERT, customer(address={"city": NUL}), "INVALID input address city"),
    "address of 2 MB": (
        UPSERT,
        customer(address={"postalCode": "x" * MANY}),
        "INVALID input address postalCode",
    ),
    "address a list": (UPSERT, customer(address=[]), "BAD_REQUEST"),
    "birthdate in the year 0": (UPSERT, customer(birthdate="0000-01-01"), "BAD_REQUEST"),
    "birthdate in 99999": (UPSERT, customer(birthdate="99999-01-01"), "BAD_REQUEST"),
    "birthdate 30 February": (UPSERT, customer(birthdate="2026-02-30"), "BAD_REQUEST"),
    "birthdate a number": (UPSERT, customer(birthdate=5), "BAD_REQUEST"),
    "metadata a list": (UPSERT, customer(metadata=[]), "METADATA_INVALID input metadata"),
    "metadata a text": (UPSERT, customer(metadata="x"), "METADATA_INVALID input metadata"),
    "metadata true": (UPSERT, customer(metadata=True), "METADATA_INVALID input metadata"),
    **{
        f"metadata key {key[:9]!r}": (
            UPSERT,
            customer(metadata={key: 1}),
            "METADATA_INVALID input metadata",
        )
        for key in ("", "$where", "a.b", NUL, "k" * 101, "k" * MANY)
    },
    **{
        f"metadata key {key[:9]!r} inside": (
            UPSERT,
            customer(metadata={"a": [{"b": {key: 1}}]}),
            "METADATA_INVALID input metadata",
        )
        for key in ("", "$where", "a.b", NUL, "k" * 101)
    },
    "metadata with NUL": (
        UPSERT,
        customer(metadata={"a": [NUL]}),
        "METADATA_INVALID input metadata",
    ),
    "metadata of 2 MB": (UPSERT, customer(metadata={"a": "x" * MANY}), "INVALID input metadata"),
    "metadata of 21 levels": (
        UPSERT,
        customer(metadata=nested(22)),
        "METADATA_INVALID input metadata",
    ),
    "metadata of 10,000 levels": (UPSERT, customer(metadata=nested(300)), "BAD_REQUEST"),
    "metadata small as text, large as stored": (
        UPSERT,
        customer(metadata={"a": [0] * 400_000}),
        "INVALID input metadata",
    ),
    "metadata of 140,000 keys": (
        UPSERT,
        customer(metadata={"a": {f"{i:x}": None for i in range(140_000)}}),
        "INVALID input metadata",
    ),
    "metadata with NaN": (upsert_literal("{a: NaN}"), {}, "-"),
    "metadata with a huge integer": (
        upsert_literal("{a: 9223372036854775808}"),
        {},
        "GRAPHQL_VALIDATION_FAILED",
    ),
    "metadata with 10,000 digits": (
        upsert_literal("{a: " + "9" * 10_000 + "}"),
        {},
        "GRAPHQL_VALIDATION_FAILED",
    ),
    "metadata with 1e999": (upsert_literal("{a: 1e999}"), {}, "GRAPHQL_VALIDATION_FAILED"),
    "metadata with half a pair": (upsert_literal('{a: "\\ud800"}'), {}, "GRAPHQL_PARSE_FAILED"),
    **{
        f"metadata of {levels} levels, literal": (
            upsert_literal("{a: " * levels + "1" + "}" * levels),
            {},
            code,
        )
        for levels, code in {
            22: "METADATA_INVALID input metadata",
            150: "METADATA_INVALID input metadata",
            400: "-",
            900: "-",
            3_000: "-",
        }.items()
    },
    "metadata with a variable that is not there": (
        upsert_literal("{a: $a}").replace("mutation", "mutation($a: String!)"),
        {},
        "BAD_REQUEST",
    ),
    "metadata with a moment": (
        upsert_literal("{a: $a}").replace("mutation", "mutation($a: DateTime)"),
        {"a": "2026-01-01T00:00:00Z"},
        "METADATA_INVALID input metadata",
    ),
    "delete a customer unknown": (GONE, {"in": {"sourceId": "ghost"}}, "NOT_FOUND customer"),
    "delete a customer by a segment's id": (GONE, {"in": {"id": NOTHING}}, "NOT_FOUND customer"),
    "delete a customer by nothing": (GONE, {"in": {}}, "BAD_REQUEST"),
    "delete a customer by null": (GONE, {"in": {"id": None}}, "BAD_REQUEST"),
    "1,001 customers": (
        UPSERTS,
        {"in": [{"sourceId": f"{i}"} for i in range(1_001)]},
        "TOO_MANY inputs",
    ),
    "30,000 customers": (UPSERTS, {"in": [{"sourceId": "a"}] * 30_000}, "TOO_MANY inputs"),
    "rows null": (UPSERTS, {"in": None}, "BAD_REQUEST"),
    "row null": (UPSERTS, {"in": [None]}, "BAD_REQUEST"),
    "rows refused": (
        UPSERTS,
        {"in": [{"sourceId": ""}, {"sourceId": "b", "metadata": 5}]},
        "INVALID inputs 0 sourceId, METADATA_INVALID inputs 1 metadata",
    ),
}
