"""Invalid events and orders."""

from tests.schema.hostile.requests import (
    HUGE_LENGTH,
    NUL,
    TRACK_EVENTS,
    UNKNOWN_CUSTOMER_ID,
    UNKNOWN_SEGMENT_ID,
    UPSERT_ORDERS,
    Cases,
    event_input,
    order_input,
)

ACTIVITY_CASES: Cases = {
    "event order": (TRACK_EVENTS, event_input(name="order"), "INVALID inputs 0 name"),
    "event without a name": (TRACK_EVENTS, event_input(name=""), "INVALID inputs 0 name"),
    "event with NUL": (TRACK_EVENTS, event_input(name=NUL), "INVALID inputs 0 name"),
    "event of 101": (TRACK_EVENTS, event_input(name="n" * 101), "INVALID inputs 0 name"),
    "event ahead": (TRACK_EVENTS, event_input(at="2999-01-01T00:00:00Z"), "INVALID inputs 0 at"),
    "event in the year 0": (TRACK_EVENTS, event_input(at="0000-01-01T00:00:00Z"), "BAD_REQUEST"),
    "event in 99999": (TRACK_EVENTS, event_input(at="99999-01-01T00:00:00Z"), "BAD_REQUEST"),
    "event without a zone": (TRACK_EVENTS, event_input(at="2026-01-01T00:00:00"), "BAD_REQUEST"),
    "event of nobody": (
        TRACK_EVENTS,
        event_input(customer={"id": UNKNOWN_CUSTOMER_ID}),
        "NOT_FOUND inputs 0 customer id",
    ),
    "event of a segment": (
        TRACK_EVENTS,
        event_input(customer={"id": UNKNOWN_SEGMENT_ID}),
        "NOT_FOUND inputs 0 customer id",
    ),
    "event of sourceId NUL": (
        TRACK_EVENTS,
        event_input(customer={"sourceId": NUL}),
        "INVALID inputs 0 customer sourceId",
    ),
    "event key with NUL": (
        TRACK_EVENTS,
        event_input(idempotencyKey=NUL),
        "INVALID inputs 0 idempotencyKey",
    ),
    "event key empty": (
        TRACK_EVENTS,
        event_input(idempotencyKey=""),
        "INVALID inputs 0 idempotencyKey",
    ),
    "event key of 2 MB": (
        TRACK_EVENTS,
        event_input(idempotencyKey="k" * HUGE_LENGTH),
        "INVALID inputs 0 idempotencyKey",
    ),
    "properties a text": (TRACK_EVENTS, event_input(properties="x"), "INVALID inputs 0 properties"),
    "properties a list": (TRACK_EVENTS, event_input(properties=[]), "INVALID inputs 0 properties"),
    "properties with $where": (
        TRACK_EVENTS,
        event_input(properties={"$where": 1}),
        "INVALID inputs 0 properties",
    ),
    "properties of 2 MB": (
        TRACK_EVENTS,
        event_input(properties={"a": "x" * HUGE_LENGTH}),
        "INVALID inputs 0 properties",
    ),
    "properties large as stored": (
        TRACK_EVENTS,
        event_input(properties={"a": [0] * 400_000}),
        "INVALID inputs 0 properties",
    ),
    "order key empty": (UPSERT_ORDERS, order_input(sourceId=""), "INVALID inputs 0 sourceId"),
    "order key with NUL": (UPSERT_ORDERS, order_input(sourceId=NUL), "INVALID inputs 0 sourceId"),
    "order status null": (UPSERT_ORDERS, order_input(status=None), "INVALID inputs 0 status"),
    "order status unknown": (UPSERT_ORDERS, order_input(status="LOST"), "BAD_REQUEST"),
    "order amount null": (UPSERT_ORDERS, order_input(amount=None), "INVALID inputs 0 amount"),
    "order amount a fraction": (UPSERT_ORDERS, order_input(amount=1.5), "BAD_REQUEST"),
    "order amount a text": (UPSERT_ORDERS, order_input(amount="1"), "BAD_REQUEST"),
    "order amount true": (UPSERT_ORDERS, order_input(amount=True), "BAD_REQUEST"),
    "order ahead": (UPSERT_ORDERS, order_input(at="2999-01-01T00:00:00Z"), "INVALID inputs 0 at"),
    "order of nobody": (
        UPSERT_ORDERS,
        order_input(customer={"id": UNKNOWN_CUSTOMER_ID}),
        "NOT_FOUND inputs 0 customer id",
    ),
    "order metadata a text": (
        UPSERT_ORDERS,
        order_input(metadata="x"),
        "METADATA_INVALID inputs 0 metadata",
    ),
    "order metadata of 2 MB": (
        UPSERT_ORDERS,
        order_input(metadata={"a": "x" * HUGE_LENGTH}),
        "METADATA_INVALID inputs 0 metadata",
    ),
}
