"""Results that are encoded row by row have the same text as others."""

import asyncio

import orjson
import pytest

from app.schema.http import result_encoding
from app.schema.http.result_encoding import encode_result
from app.time_slice import TimeSlice
from tests.api import Json

PAGE = {"nodes": [{"id": str(number), "tags": ["a"]} for number in range(20)], "pageInfo": {}}
RESULTS: list[Json] = [
    {"data": None, "errors": [{"message": "no", "extensions": {"path": []}}]},
    {"data": {}},
    {"data": {"number": 1, "none": None, "empty": [], "numbers": [1, 2]}},
    {"data": {"page": PAGE, "rows": [{**PAGE, "name": "é"}, {**PAGE, "nodes": []}, {}, None]}},
    {"data": {"rows": [None, {"pages": {"nodes": [{"page": PAGE}] * 9}}]}},
    {"data": {"wide": [{str(number): number for number in range(30)}] * 3}},
    {"data": {"lists": [[{"a": 1}], [], [{"a": [{"b": 2}]}]]}, "extensions": {"cost": 5}},
]


@pytest.mark.parametrize("result", RESULTS, ids=str)
async def test_the_text_is_the_same(result: Json) -> None:
    encoded = await encode_result(result, may_be_large=True)

    assert encoded == await encode_result(result, may_be_large=False)
    assert encoded.text == orjson.dumps(result)


@pytest.mark.parametrize("result", RESULTS[3:], ids=str)
async def test_nothing_is_encoded_beyond_the_limit(
    result: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(result_encoding, "MAX_RESULT_BYTES", len(orjson.dumps(result)) - 1)

    encoded = await encode_result(result, may_be_large=True)

    assert encoded.has_errors
    assert b"QUERY_TOO_COMPLEX" in encoded.text


async def test_other_requests_run_while_a_large_result_is_encoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(result_encoding, "_time_slice", TimeSlice(0))
    encoding = asyncio.create_task(encode_result({"data": {"page": PAGE}}, may_be_large=True))
    other_request_steps = 0

    while not encoding.done():
        await asyncio.sleep(0)
        other_request_steps += 1

    assert other_request_steps > len(PAGE["nodes"]) / 8
