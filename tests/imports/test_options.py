"""Options of an import, and what is found out without them."""

import gzip
import io
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.errors import InputError
from app.services.imports import ImportOptions
from app.services.imports.amounts import NumberReader
from app.services.imports.dates import DateReader
from app.services.imports.options import (
    ColumnType,
    DateFormat,
    DecimalMark,
    UnknownColumns,
)
from tests.imports.conftest import ImportShop

CP1252_NAME = "Windows-1252 (if letters look wrong, name the file's --encoding)"
ROWS = "sourceId{0}name{0}metadata.n\n1{0}Zoë Møller{0}5\n2{0}Li{0}6\n"
DMY, MDY, UNIX = DateFormat.DAY_FIRST, DateFormat.MONTH_FIRST, DateFormat.UNIX
BERLIN, UTC = ZoneInfo("Europe/Berlin"), ZoneInfo("UTC")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("is_compressed", [False, True])
async def test_delimiter_encoding_and_compression_are_found_out(
    shop: ImportShop, delimiter: str, encoding: str, is_compressed: bool
) -> None:
    content = ROWS.format(delimiter).encode(encoding)
    if encoding == "utf-16-be":
        content = b"\xfe\xff" + content
    if is_compressed:
        content = gzip.compress(content)
    outcome = await shop.import_file("customers", content, "a.csv.gz" if is_compressed else "-")
    assert (outcome.accepted_count, outcome.rejects) == (2, [])
    assert shop.read_customer_document("1")["name"] == "Zoë Møller"
    assert shop.read_customer_document("1")["metadata"] == {"n": 5}
    names = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8", "cp1252": CP1252_NAME}
    delimiter_name = {",": "comma", ";": "semicolon", "\t": "tab"}[delimiter]
    expected = f"{names.get(encoding, 'UTF-16')}, delimiter: {delimiter_name}"
    assert outcome.report.file_description == expected


async def test_a_wrong_encoding_is_refused(shop: ImportShop) -> None:
    with pytest.raises(InputError) as refusal:
        await shop.import_file(
            "customers", ROWS.format(","), options=ImportOptions(encoding="utf-16")
        )
    assert "The file is not utf-16, or is cut off. Name its --encoding" in str(refusal.value)


async def test_delimiter_and_encoding_can_be_given(shop: ImportShop) -> None:
    options = ImportOptions(delimiter="|", encoding="cp437")
    content = ROWS.format("|").replace("ø", "o").encode("cp437")
    assert (await shop.import_file("customers", content, options=options)).rejects == []
    assert shop.read_customer_document("1")["name"] == "Zoë Moller"


class Pipe(io.RawIOBase):
    """A stream that can't be rewound."""

    def __init__(self, content: bytes) -> None:
        self._stream = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._stream.readinto(memoryview(buffer)[:5])


@pytest.mark.parametrize("is_compressed", [False, True])
@pytest.mark.parametrize("content", [ROWS.format(","), '{"sourceId": "1"}\n{"sourceId": "2"}\n'])
async def test_a_pipe_is_imported(shop: ImportShop, content: str, is_compressed: bool) -> None:
    data = gzip.compress(content.encode()) if is_compressed else content.encode()
    stream: Any = io.BufferedReader(Pipe(data), buffer_size=7)
    outcome = await shop.import_file("customers", stream)
    assert (outcome.accepted_count, outcome.rejects) == (2, [])


@pytest.mark.parametrize(
    "options",
    [
        ImportOptions(paths_by_column={"a.b": "metadata.x", "a_b": "metadata.x"}),
        ImportOptions(unknown=UnknownColumns.METADATA),
    ],
)
async def test_two_columns_with_one_path_may_not_differ(
    shop: ImportShop, options: ImportOptions
) -> None:
    """One of the two texts would be lost."""
    file = "sourceId,a.b,a_b\n1,5,5\n2,,6\n3,5,6\n"
    outcome = await shop.import_file("customers", file, "a.csv", options)
    assert (outcome.accepted_count, outcome.rejected_lines) == (2, [4])
    assert "in the columns 'a.b' and 'a_b'; map one elsewhere" in outcome.reasons[0]


async def test_columns_are_mapped(shop: ImportShop) -> None:
    file = "Id,First,Last,Mail,Age\n1,Ada,Lovelace,a@x.example,36\n2,,Hopper,,\n"
    paths = {"Id": "sourceId", "First": "name", "Last": "name", "Mail": "email"}
    options = ImportOptions(paths_by_column={**paths, "Age": "metadata.person.age"})
    outcome = await shop.import_file("customers", file, options=options)
    assert outcome.rejects == []
    ada, grace = shop.read_customer_document("1"), shop.read_customer_document("2")
    assert (ada["name"], ada["email"], ada["metadata"]) == (
        "Ada Lovelace",
        "a@x.example",
        {"person": {"age": 36}},
    )
    assert grace["name"] == "Hopper"
    assert [(column.name, column.paths, column.type) for column in outcome.report.columns] == [
        ("Id", ("sourceId",), "STRING"),
        ("First", ("name",), "STRING"),
        ("Last", ("name",), "STRING"),
        ("Mail", ("email",), "STRING"),
        ("Age", ("metadata.person.age",), "NUMBER"),
    ]


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        ({"Nix": "name"}, "the file has no column 'Nix'"),
        ({"Mail": "emial"}, "No column can be mapped to 'emial'; perhaps email"),
        ({"Mail": "metadata"}, "No column can be mapped to 'metadata'"),
        ({"Mail": "orders.totalCount"}, "No column can be mapped to 'orders.totalCount'"),
    ],
)
async def test_a_wrong_map_is_refused(
    shop: ImportShop, paths: dict[str, str], message: str
) -> None:
    with pytest.raises(InputError) as refusal:
        await shop.import_file(
            "customers", "sourceId,Mail\n1,x\n", options=ImportOptions(paths_by_column=paths)
        )
    assert message in str(refusal.value)


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (ImportOptions(types_by_path={"metadata.x": ColumnType.parse("NUMBER")}), "--type"),
        (
            ImportOptions(
                paths_by_column={"a": "name"}, unknown=UnknownColumns.IGNORE, delimiter=";"
            ),
            "--map, --unknown, --delimiter",
        ),
    ],
)
async def test_options_of_columns_are_refused_for_ndjson(
    shop: ImportShop, options: ImportOptions, names: str
) -> None:
    with pytest.raises(InputError, match=f"NDJSON, to which {names} can't be applied"):
        await shop.import_file("customers", '{"sourceId": "1"}\n', "a.ndjson", options=options)
    assert shop.dump()["customers"] == []


async def test_unknown_columns(shop: ImportShop) -> None:
    file = "sourceId,Plan,Net.Sum\n1,pro,5\n"
    with pytest.raises(InputError, match=r"'Plan', 'Net.Sum'\. Say .*--unknown ignore"):
        await shop.import_file("customers", file)
    ignored = await shop.import_file(
        "customers", file, options=ImportOptions(unknown=UnknownColumns.IGNORE)
    )
    assert [column.paths for column in ignored.report.columns] == [("sourceId",), (), ()]
    assert shop.read_customer_document("1")["metadata"] == {}
    metadata = ImportOptions(unknown=UnknownColumns.METADATA)
    await shop.import_file("customers", file, options=metadata)
    assert shop.read_customer_document("1")["metadata"] == {"Plan": "pro", "Net_Sum": 5}
    events = "customer.sourceId,name,at,Plan\n1,visit,2026-01-01T00:00:00Z,pro\n"
    await shop.import_file("events", events, options=metadata)
    assert shop.database.events.find_one()["properties"] == {"Plan": "pro"}


@pytest.mark.parametrize(
    ("cells", "type_", "values"),
    [
        (["1", "01067", ""], "STRING", ["1", "01067"]),
        (["1", "5.10"], "STRING", ["1", "5.10"]),
        (["1", "5.1", "-3"], "NUMBER", [1, 5.1, -3]),
        (["TRUE", "false", "True"], "BOOLEAN", [True, False, True]),
        (["TRUE", "Yes", "1"], "STRING", ["TRUE", "Yes", "1"]),
        (["true", "1"], "STRING", ["true", "1"]),
        (["", ""], "STRING", []),
        (["5"] * 1_500 + ["x"], "STRING", ["5"] * 1_500 + ["x"]),
    ],
)
async def test_a_column_has_one_type(
    shop: ImportShop, cells: list[str], type_: str, values: list[Any]
) -> None:
    rows = "".join(f"{number:05},{cell}\n" for number, cell in enumerate(cells))
    outcome = await shop.import_file("customers", "sourceId,metadata.x\n" + rows)
    assert outcome.types["metadata.x"] == type_
    stored = shop.database.customers.find({"metadata.x": {"$exists": True}}).sort("sourceId")
    found = [customer["metadata"]["x"] for customer in stored]
    assert found == values
    assert list(map(type, found)) == list(map(type, values))


@pytest.mark.parametrize(
    ("type_", "cell", "value"),
    [
        ("BOOLEAN", "Yes", True),
        ("BOOLEAN", "0", False),
        ("BOOLEAN", "maybe", ValueError),
        ("NUMBER", "5.10", 5.1),
        ("NUMBER", "007", ValueError),
        ("STRING", "5", "5"),
        ("DATE", "3/4/2026", "2026-03-04"),
        ("DATETIME", "3/4/2026 10:00", "2026-03-04T09:00:00Z"),
        ("GEOPOINT", '"{""lat"": 1, ""lon"": 2}"', {"lat": 1, "lon": 2}),
        ("OBJECT", "x", ValueError),
        ("[STRING]", '"vip, ""a, b"",, 5"', ["vip", "a, b", "5"]),
        ("[STRING]", '"[""a"", ""b""]"', ["a", "b"]),
        ("[NUMBER]", '"1, 2.5"', [1, 2.5]),
        ("[NUMBER]", '"1, x"', ValueError),
    ],
)
async def test_a_type_is_given(shop: ImportShop, type_: str, cell: str, value: Any) -> None:
    options = ImportOptions(
        types_by_path={"metadata.x": ColumnType.parse(type_)}, dates=MDY, zone=BERLIN
    )
    outcome = await shop.import_file(
        "customers", f"sourceId,metadata.x\n1,{cell}\n", options=options
    )
    if value is ValueError:
        assert outcome.rejected_lines == [2]
        assert outcome.report.columns[1].refused_count == 1
    else:
        assert outcome.types["metadata.x"] == type_
        assert shop.read_customer_document("1")["metadata"] == {"x": value}


@pytest.mark.parametrize("path", ["metadata.y", "name"])
async def test_a_wrong_type_option_is_refused(shop: ImportShop, path: str) -> None:
    options = ImportOptions(types_by_path={path: ColumnType.parse("STRING")})
    with pytest.raises(InputError, match="--type: "):
        await shop.import_file("customers", "sourceId,name,metadata.x\n1,a,b\n", options=options)


async def test_an_event_has_the_same_key_whatever_the_type_of_its_column(shop: ImportShop) -> None:
    row = "1,visit,2026-01-01T00:00:00Z,5\n"
    header = "customer.sourceId,name,at,properties.x\n"
    assert (await shop.import_file("events", header + row)).counts == (1, 0, 0, 0)
    longer = header + row + "1,visit,2026-01-01T00:00:00Z,abc\n"
    assert (await shop.import_file("events", longer)).counts == (1, 0, 1, 0)


@pytest.mark.parametrize(
    ("text", "format_", "zone", "expected"),
    [
        ("2026-03-04T10:00:00Z", None, None, "2026-03-04T10:00:00Z"),
        ("2026-03-04T10:00:00.5+01:00", None, None, "2026-03-04T10:00:00.5+01:00"),
        ("2026-03-04 10:00:00 +0000", None, None, "2026-03-04T10:00:00Z"),
        ("2026-03-04 10:00 -0530", None, None, "2026-03-04T15:30:00Z"),
        ("2026-03-04 10:00:00 UTC", None, None, "2026-03-04T10:00:00Z"),
        ("2026-03-04", None, BERLIN, "2026-03-03T23:00:00Z"),
        ("2026-03-04 10:00", None, BERLIN, "2026-03-04T09:00:00Z"),
        ("2026-07-04T10:00:00", UNIX, BERLIN, "2026-07-04T08:00:00Z"),
        ("3/4/2026", DMY, UTC, "2026-04-03T00:00:00Z"),
        ("3/4/2026", MDY, UTC, "2026-03-04T00:00:00Z"),
        ("12/1/2010 8:26", MDY, UTC, "2010-12-01T08:26:00Z"),
        ("3/15/2024 2:30 PM", MDY, UTC, "2024-03-15T14:30:00Z"),
        ("3/15/2024, 12:30 am", MDY, UTC, "2024-03-15T00:30:00Z"),
        ("04.03.2026 10:00:00", DMY, UTC, "2026-03-04T10:00:00Z"),
        ("4-3-2026 10:00:00.25 +0100", DMY, None, "2026-03-04T09:00:00.250Z"),
        ("1772625600", UNIX, None, "2026-03-04T12:00:00Z"),
        ("1772625600500", UNIX, None, "2026-03-04T12:00:00.500Z"),
        ("3/15/2024", DMY, UTC, "not a day in the calendar"),
        ("3/4/2026", None, UTC, "--dates dmy"),
        ("2026-03-04 10:00:00", None, None, "--zone"),
        ("1772625600", None, UTC, "--dates unix"),
        ("3/4/26", DMY, UTC, "must be a date like"),
        ("2026-02-30", None, UTC, "not a day in the calendar"),
        ("2026-03-04 25:00", None, UTC, "not a day in the calendar or not a time"),
        ("2026-03-04 13:00 PM", None, UTC, "not a valid date and time"),
        ("now", None, UTC, "must be a date like"),
        ("9" * 16, UNIX, UTC, "too late"),
    ],
)
def test_instants(
    text: str, format_: DateFormat | None, zone: ZoneInfo | None, expected: str
) -> None:
    reader = DateReader(format_, zone)
    if expected.startswith("2"):
        assert reader.to_instant(text) == expected
    else:
        with pytest.raises(ValueError, match=expected):
            reader.to_instant(text)


async def test_a_birthdate_needs_no_zone(shop: ImportShop) -> None:
    options = ImportOptions(dates=DMY)
    file = "sourceId,birthdate\n1,4/7/1990\n2,1990-07-04\n3,4.7.1990 10:00\n"
    outcome = await shop.import_file("customers", file, options=options)
    assert outcome.reasons == ["birthdate must be a date without a time."]
    days = [customer["birthdate"] for customer in shop.dump()["customers"]]
    assert days == [datetime(1990, 7, 4)] * 2  # noqa: DTZ001 - as the driver gives it


def number_cases() -> Iterator[tuple[str, DecimalMark | None, str | None]]:
    point, comma = DecimalMark.POINT, DecimalMark.COMMA
    yield from [("12.50", None, "12.50"), ("-3", None, "-3"), (" 7 ", None, "7")]
    yield from [("1,234.50", point, "1234.50"), ("1.234,50", comma, "1234.50")]
    yield from [("1 234,5", comma, "1234.5"), ("1'234.5", point, "1234.5"), ("5", comma, "5")]
    yield from [("1,234", point, "1234"), ("1,234", comma, "1.234"), ("1.234", None, "1.234")]
    yield from [("1,234.50", None, None), ("1.234,50", point, None), ("1,23,456", point, None)]
    yield from [("$5", point, None), ("1e5", None, None), ("", None, None), ("12,50", None, None)]
    yield from [("12.5", comma, None), ("١٢", None, None), ("--5", None, None)]


@pytest.mark.parametrize(("text", "mark", "expected"), list(number_cases()))
def test_numbers(text: str, mark: DecimalMark | None, expected: str | None) -> None:
    if expected is None:
        with pytest.raises(ValueError, match=r"number|comma"):
            NumberReader(mark).to_decimal(text)
    else:
        assert str(NumberReader(mark).to_decimal(text)) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1e3", "with all its digits, like 1000 and not 1e3"),
        ("-1.5E+3", "with all its digits"),
        ("$12", "a number alone, like 12.50, without a currency"),
        ("12 EUR", "a number alone, like 12.50, without a currency"),
        ("twelve", "must be a number$"),
    ],
)
@pytest.mark.parametrize("mark", [None, DecimalMark.POINT])
def test_a_text_that_is_no_number_says_what_to_do(
    text: str, message: str, mark: DecimalMark | None
) -> None:
    with pytest.raises(ValueError, match=message):
        NumberReader(mark).to_decimal(text)


async def test_a_customer_is_found_by_email(shop: ImportShop) -> None:
    customers = (
        "sourceId,email\n1,One@x.example\n2,two@x.example\n3,TWO@x.example\n4,Üna@x.example\n"
    )
    await shop.import_file("customers", customers)
    events = "customer.email,customer.sourceId,name,at\n" + "".join(
        f"{email},{source_id},visit,2026-01-01T00:00:00Z\n"
        for email, source_id in [
            ("one@X.example", ""),
            ("two@x.example", ""),
            ("none@x.example", ""),
            ("none@x.example", "9"),
            ("üna@x.example", ""),
            (" one@x.example ", ""),
        ]
    )
    outcome = await shop.import_file("events", events)
    assert outcome.rejected_lines == [3, 4]
    assert "several customers have this email" in outcome.reasons[0]
    assert "no customer has this email" in outcome.reasons[1]
    counts = {
        key: shop.read_customer_document(key)["events"]["visit"]["count"] for key in ("1", "4", "9")
    }
    assert counts == {"1": 2, "4": 1, "9": 1}
    ndjson = '{"customer": {"email": "one@x.example"}, "name": "buy", "at": "2026-01-01T00:00:00Z"}'
    assert (await shop.import_file("events", ndjson)).rejects == []


async def test_repeated_rows_and_changes_are_counted(shop: ImportShop) -> None:
    await shop.import_file("customers", "sourceId,name\n1,Ann\n2,Bob\n")
    file = "sourceId,name\n1,Ann\n2,Rob\n3,Cy\n3,Cyd\n"
    for dry_run in (True, False):
        outcome = await shop.import_file("customers", file, dry_run=dry_run)
        assert outcome.counts == (1, 1, 1, 1)
    assert shop.read_customer_document("3")["name"] == "Cyd"


async def test_new_orders_need_a_time_and_known_ones_keep_theirs(shop: ImportShop) -> None:
    first = "sourceId,customer.sourceId,status,at\n"
    row = '{"sourceId": "o1", "customer": {"sourceId": "c"}, "amount": 5, "at": "%s"}'
    await shop.import_file("orders", row % "2026-01-01T00:00:00Z")
    outcome = await shop.import_file("orders", first + "o1,c,canceled,\no2,c,paid,\n")
    assert (outcome.counts, outcome.rejected_lines) == ((0, 1, 0, 0), [3])
    assert "say --dates now" in outcome.reasons[0]
    order = shop.database.orders.find_one({"sourceId": "o1", "current": True})
    assert order["at"] == datetime(2026, 1, 1)  # noqa: DTZ001 - as the driver gives it


async def test_a_history_without_times_is_refused(shop: ImportShop) -> None:
    file = "customer.sourceId,name\n1,visit\n"
    with pytest.raises(InputError, match="say --dates now"):
        await shop.import_file("events", file)
    options = ImportOptions(is_missing_time_now=True)
    assert (await shop.import_file("events", file, options=options)).accepted_count == 1
