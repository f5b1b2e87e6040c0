"""Invalid customers."""

from tests.schema.hostile.requests import (
    DELETE_CUSTOMER,
    HUGE_LENGTH,
    NUL,
    UNKNOWN_SEGMENT_ID,
    UPSERT_CUSTOMER,
    UPSERT_CUSTOMERS,
    Cases,
    customer_input,
    nested_object,
    upsert_literal,
)

CUSTOMER_CASES: Cases = {
    "sourceId empty": (UPSERT_CUSTOMER, customer_input(sourceId=""), "INVALID input sourceId"),
    "sourceId with NUL": (
        UPSERT_CUSTOMER,
        customer_input(sourceId="a" + NUL),
        "INVALID input sourceId",
    ),
    "sourceId of 256": (
        UPSERT_CUSTOMER,
        customer_input(sourceId="a" * 256),
        "INVALID input sourceId",
    ),
    "sourceId of 2 MB": (
        UPSERT_CUSTOMER,
        customer_input(sourceId="a" * HUGE_LENGTH),
        "INVALID input sourceId",
    ),
    "sourceId null": (UPSERT_CUSTOMER, customer_input(sourceId=None), "BAD_REQUEST"),
    "sourceId a number": (UPSERT_CUSTOMER, customer_input(sourceId=5), "BAD_REQUEST"),
    "sourceId an object": (UPSERT_CUSTOMER, customer_input(sourceId={"$gt": ""}), "BAD_REQUEST"),
    "a key that is none": (UPSERT_CUSTOMER, customer_input(password="x"), "BAD_REQUEST"),
    **{
        f"{key} with NUL": (UPSERT_CUSTOMER, customer_input(**{key: NUL}), f"INVALID input {key}")
        for key in ("name", "email", "phone", "description", "source")
    },
    **{
        f"{key} of 2 MB": (
            UPSERT_CUSTOMER,
            customer_input(**{key: "x" * HUGE_LENGTH}),
            f"INVALID input {key}",
        )
        for key in ("name", "description")
    },
    "address with NUL": (
        UPSERT_CUSTOMER,
        customer_input(address={"city": NUL}),
        "INVALID input address city",
    ),
    "address of 2 MB": (
        UPSERT_CUSTOMER,
        customer_input(address={"postalCode": "x" * HUGE_LENGTH}),
        "INVALID input address postalCode",
    ),
    "address a list": (UPSERT_CUSTOMER, customer_input(address=[]), "BAD_REQUEST"),
    "birthdate in the year 0": (
        UPSERT_CUSTOMER,
        customer_input(birthdate="0000-01-01"),
        "BAD_REQUEST",
    ),
    "birthdate in 99999": (UPSERT_CUSTOMER, customer_input(birthdate="99999-01-01"), "BAD_REQUEST"),
    "birthdate 30 February": (
        UPSERT_CUSTOMER,
        customer_input(birthdate="2026-02-30"),
        "BAD_REQUEST",
    ),
    "birthdate a number": (UPSERT_CUSTOMER, customer_input(birthdate=5), "BAD_REQUEST"),
    "metadata a list": (
        UPSERT_CUSTOMER,
        customer_input(metadata=[]),
        "METADATA_INVALID input metadata",
    ),
    "metadata a text": (
        UPSERT_CUSTOMER,
        customer_input(metadata="x"),
        "METADATA_INVALID input metadata",
    ),
    "metadata true": (
        UPSERT_CUSTOMER,
        customer_input(metadata=True),
        "METADATA_INVALID input metadata",
    ),
    **{
        f"metadata key {key[:9]!r}": (
            UPSERT_CUSTOMER,
            customer_input(metadata={key: 1}),
            "METADATA_INVALID input metadata",
        )
        for key in ("", "$where", "a.b", NUL, "k" * 101, "k" * HUGE_LENGTH)
    },
    **{
        f"metadata key {key[:9]!r} inside": (
            UPSERT_CUSTOMER,
            customer_input(metadata={"a": [{"b": {key: 1}}]}),
            "METADATA_INVALID input metadata",
        )
        for key in ("", "$where", "a.b", NUL, "k" * 101)
    },
    "metadata with NUL": (
        UPSERT_CUSTOMER,
        customer_input(metadata={"a": [NUL]}),
        "METADATA_INVALID input metadata",
    ),
    "metadata of 2 MB": (
        UPSERT_CUSTOMER,
        customer_input(metadata={"a": "x" * HUGE_LENGTH}),
        "INVALID input metadata",
    ),
    "metadata of 2 MB with NUL, which its size refuses": (
        UPSERT_CUSTOMER,
        customer_input(metadata={"a": "x" * HUGE_LENGTH + NUL}),
        "INVALID input metadata",
    ),
    "metadata of 21 levels": (
        UPSERT_CUSTOMER,
        customer_input(metadata=nested_object(22)),
        "METADATA_INVALID input metadata",
    ),
    "metadata of 10,000 levels": (
        UPSERT_CUSTOMER,
        customer_input(metadata=nested_object(300)),
        "BAD_REQUEST",
    ),
    "metadata small as text, large as stored": (
        UPSERT_CUSTOMER,
        customer_input(metadata={"a": [0] * 400_000}),
        "INVALID input metadata",
    ),
    "metadata of 140,000 keys": (
        UPSERT_CUSTOMER,
        customer_input(metadata={"a": {f"{i:x}": None for i in range(140_000)}}),
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
    "delete a customer unknown": (
        DELETE_CUSTOMER,
        {"in": {"sourceId": "ghost"}},
        "NOT_FOUND customer",
    ),
    "delete a customer by a segment's id": (
        DELETE_CUSTOMER,
        {"in": {"id": UNKNOWN_SEGMENT_ID}},
        "NOT_FOUND customer",
    ),
    "delete a customer by nothing": (DELETE_CUSTOMER, {"in": {}}, "BAD_REQUEST"),
    "delete a customer by null": (DELETE_CUSTOMER, {"in": {"id": None}}, "BAD_REQUEST"),
    "1,001 customers": (
        UPSERT_CUSTOMERS,
        {"in": [{"sourceId": f"{i}"} for i in range(1_001)]},
        "TOO_MANY inputs",
    ),
    "30,000 customers": (UPSERT_CUSTOMERS, {"in": [{"sourceId": "a"}] * 30_000}, "TOO_MANY inputs"),
    "rows null": (UPSERT_CUSTOMERS, {"in": None}, "BAD_REQUEST"),
    "row null": (UPSERT_CUSTOMERS, {"in": [None]}, "BAD_REQUEST"),
    "rows refused": (
        UPSERT_CUSTOMERS,
        {"in": [{"sourceId": ""}, {"sourceId": "b", "metadata": 5}]},
        "INVALID inputs 0 sourceId, METADATA_INVALID inputs 1 metadata",
    ),
}
