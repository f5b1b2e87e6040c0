"""CSV: what Python's csv, pandas, DuckDB and LibreOffice read is what is stored."""

import csv
import io
import json
import math
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from bson import Binary, Code, Decimal128, Int64, MaxKey, ObjectId, Regex, Timestamp
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.exports.row_cases import FORMULA_STARTS, HOSTILE_TEXTS, Document, write

AT = datetime(2026, 1, 31, 23, 59, 59, 123000, tzinfo=UTC)
DAY = datetime(1815, 12, 10, tzinfo=UTC)


def read(content: bytes) -> list[list[str]]:
    text = io.StringIO(content.decode("utf-8"), newline="")
    return list(csv.reader(text, strict=True))


def escaped(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def read_cell(value: Any, **options: Any) -> str:
    """Returns the only cell of a row with this value in metadata."""
    content = write(["metadata.k"], {"metadata": {"k": value}}, **options)
    (_, (cell,)) = read(content)
    return cell


def test_a_whole_file() -> None:
    ada: Document = {
        "sourceId": "ada",
        "name": "Lovelace, Ada",
        "birthdate": DAY,
        "address": {"city": "London"},
        "createdAt": AT,
        "orders": {"totalCount": 2, "totalAmount": -1250, "averageAmount": 625.0},
        "events": {"signed%2Eup": {"count": 1, "firstAt": AT, "lastAt": AT}},
        "metadata": {"vip": True, "tags": ["a", 1, None], "renewal": DAY},
    }
    fields = ["sourceId", "name", "birthdate", "address.city", "address.line1", "createdAt"]
    fields += ["orders.totalCount", "orders.totalAmount", "orders.averageAmount"]
    fields += ["events.signed.up.count", "events.signed.up.lastAt", "loyalty.points"]
    fields += ["metadata.vip", "metadata.tags", "metadata.renewal", "metadata"]
    assert write(fields, ada, {"sourceId": "bob"}).decode() == (
        "sourceId,name,birthdate,address.city,address.line1,createdAt,orders.totalCount,"
        "orders.totalAmount,orders.averageAmount,events.signed.up.count,events.signed.up.lastAt,"
        "loyalty.points,metadata.vip,metadata.tags,metadata.renewal,metadata\r\n"
        'ada,"Lovelace, Ada",1815-12-10,London,,2026-01-31T23:59:59.123Z,2,-1250,625,1,'
        '2026-01-31T23:59:59.123Z,0,true,"[""a"",1,null]",1815-12-10,'
        '"{""vip"":true,""tags"":[""a"",1,null],""renewal"":""1815-12-10""}"\r\n'
        "bob,,,,,,0,0,,0,,0,,,,\r\n"
    )


def test_the_id() -> None:
    key = ObjectId("0123456789abcdef01234567")
    assert write(["id"], {"_id": key}) == b"id\r\ncus_0123456789abcdef01234567\r\n"


def test_the_byte_order_mark() -> None:
    assert write(["name"], has_byte_order_mark=True) == b"\xef\xbb\xbfname\r\n"


def test_a_row_without_values_is_no_empty_line() -> None:
    assert write(["name"], {}, {"name": ""}) == b'name\r\n""\r\n""\r\n'


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (-5, "-5"),
        (2**63 - 1, "9223372036854775807"),
        (Int64(-7), "-7"),
        (-1.0, "-1"),
        (-0.0, "0"),
        (0.1, "0.1"),
        (-1.5e-9, "-1.5e-09"),
        (1e300, "1e+300"),
        (2.0**53, "9007199254740992"),
        (math.nan, ""),
        (math.inf, ""),
        (-math.inf, ""),
        (Decimal128("-12.50"), "-12.50"),
        (Decimal128("1E+3"), "1E+3"),
        (Decimal128("-Infinity"), ""),
        (Decimal128("NaN"), ""),
        ({"price": Decimal128("NaN")}, '{"price":null}'),
        (AT, "2026-01-31T23:59:59.123Z"),
        (DAY, "1815-12-10T00:00:00.000Z"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00.000Z"),
        (b"\x00\xff", "AP8="),
        (Binary(b"\xfb", 5), "+w=="),
        (ObjectId("0123456789abcdef01234567"), "0123456789abcdef01234567"),
        (Code("=evil()"), "'=evil()"),
        (Regex("a.b", "i"), None),
        (Timestamp(5, 6), None),
        (MaxKey(), None),
        ([], "[]"),
        ({}, "{}"),
        (
            [math.nan, Decimal128("1.0"), AT, b"\xff"],
            '[null,"1.0","2026-01-31T23:59:59.123Z","/w=="]',
        ),
        ({"a": {"b": ["=1", "\n"]}}, '{"a":{"b":["=1","\\n"]}}'),
    ],
    ids=repr,
)
def test_the_text_of_a_value(value: Any, cell: str | None) -> None:
    written = read_cell(value)
    if cell is not None and not isinstance(value, Binary):
        assert written == cell
    assert written.lstrip("'") == (cell or written).lstrip("'")


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_texts_come_out_as_they_went_in(text: str) -> None:
    assert read_cell(text) == escaped(text)
    assert read_cell(text, escapes_formulas=False) == text


def test_days_in_lists_and_values_of_another_type() -> None:
    content = write(
        ["metadata.visits", "metadata.renewal"],
        {"metadata": {"visits": [DAY, None], "renewal": "soon"}},
        {"metadata": {"visits": DAY, "renewal": 5}},
    )
    assert read(content)[1:] == [['["1815-12-10",null]', "soon"], ["1815-12-10", "5"]]


def test_a_value_behind_an_array_is_missing() -> None:
    document = {"metadata": {"a": [{"b": 1}]}, "address": "none", "orders": None}
    content = write(["metadata.a.b", "address.city", "orders.totalCount"], document)
    assert read(content)[1] == ["", "", "0"]


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.datetimes(timezones=st.just(UTC)).map(
        lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000)
    )
    | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(TEXTS.filter(bool), inner, max_size=3)
    ),
    max_leaves=6,
)


def expected_cell(value: Any) -> str:
    if isinstance(value, str):
        return escaped(value)
    if isinstance(value, datetime):
        return (
            value.strftime("%Y-%m-%dT%H:%M:%S.").rjust(20, "0") + f"{value.microsecond // 1000:03}Z"
        )
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    return "" if not isinstance(value, bool) else str(value).lower()


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.lists(st.tuples(TEXTS, VALUES), min_size=1, max_size=5))
def test_any_values(rows: list[tuple[str, Any]]) -> None:
    documents = [{"name": name, "metadata": {"k": value}} for name, value in rows]
    cells = read(write(["name", "metadata.k"], *documents))[1:]
    assert [name for name, _ in cells] == [escaped(name) for name, _ in rows]
    for (_, value), (_, cell) in zip(rows, cells, strict=True):
        if isinstance(value, int | float) and not isinstance(value, bool):
            assert cell == "" if not math.isfinite(value) else json.loads(cell) == value
        elif isinstance(value, dict | list):
            assert json.loads(cell) == to_json(value)
        else:
            assert cell == expected_cell(value)


def to_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: to_json(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [to_json(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return expected_cell(value) if isinstance(value, datetime) else value


# Spreadsheets and data frames: columns that they would take for numbers are given as text.
NAMES = [text for text in HOSTILE_TEXTS if text]


def names_file(folder: Path) -> Path:
    file = folder / "names.csv"
    documents = [{"sourceId": f"000{n}", "name": text} for n, text in enumerate(NAMES)]
    file.write_bytes(write(["sourceId", "name"], *documents))
    return file


def test_pandas(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_csv(names_file(tmp_path), dtype=str, keep_default_na=False)
    assert list(frame["name"]) == list(map(escaped, NAMES))
    assert list(frame["sourceId"]) == [f"000{n}" for n in range(len(NAMES))]


def test_duckdb(tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    rows = duckdb.sql(
        f"SELECT * FROM read_csv('{names_file(tmp_path)}', header = true, all_varchar = true)"
    ).fetchall()
    assert rows == [(f"000{n}", escaped(text)) for n, text in enumerate(NAMES)]


@pytest.mark.skipif(shutil.which("soffice") is None, reason="needs LibreOffice (soffice)")
def test_libreoffice(tmp_path: Path) -> None:
    """LibreOffice reads the file with text columns, and writes it again."""
    subprocess.run(
        [
            *("soffice", "--headless", f"-env:UserInstallation=file://{tmp_path}/profile"),
            # Comma, quote, UTF-8, from line 1, both columns as text.
            *(
                "--infilter=CSV:44,34,76,1,1/2/2/2",
                "--convert-to",
                "csv:Text - txt - csv (StarCalc):44,34,76",
            ),
            *("--outdir", str(tmp_path / "out"), str(names_file(tmp_path))),
        ],
        check=True,
        timeout=100,
    )
    rows = read((tmp_path / "out" / "names.csv").read_bytes())[1:]
    assert [name for _, name in rows] == [escaped(text) for text in NAMES]
