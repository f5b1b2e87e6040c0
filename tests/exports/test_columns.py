"""The fields of an export: which are accepted, and the errors for others."""

from zoneinfo import ZoneInfo

import pytest

from app.domain.metadata import KeyDefinition, build_metadata_schema
from app.errors import InputError
from app.filters import Calendar
from app.filters.fields import FIELDS, AttributeType
from app.services.definitions import Definitions
from app.services.exports.columns import (
    MAX_FIELDS,
    export_fields,
    parse_fields,
    projection,
    resolve_columns,
)
from app.store.definitions import DefinitionsVersion


@pytest.fixture(scope="module")
def definitions() -> Definitions:
    keys = [
        KeyDefinition("loyaltyLevel", AttributeType.STRING),
        KeyDefinition("renewal", AttributeType.DATE),
    ]
    schema = build_metadata_schema(Calendar(ZoneInfo("UTC")), keys)
    empty = Definitions(
        DefinitionsVersion(0, 0), build_metadata_schema(Calendar(ZoneInfo("UTC")), [])
    )
    for definition in schema.definitions.values():
        empty = empty.with_definition(definition)
    return empty


def problems(definitions: Definitions, *fields: str) -> list[tuple[str, str, tuple[str, ...]]]:
    with pytest.raises(InputError) as caught:
        parse_fields(fields, definitions, "input", "fields")
    return [
        (problem.code.value, problem.message, problem.path) for problem in caught.value.problems
    ]


def test_the_default(definitions: Definitions) -> None:
    assert parse_fields(None, definitions) == ("sourceId", "name", "email")


def test_every_listed_field_is_accepted(definitions: Definitions) -> None:
    paths = [field.path for field in export_fields(FIELDS)]
    assert paths[0] == "id"
    assert paths[-1] == "metadata"
    more = [
        "metadata.renewal",
        "metadata.any",
        "metadata.a.b",
        "events.a.b.count",
        "events.x.lastAt",
    ]
    assert parse_fields([*paths, *more], definitions) == (*paths, *more)


@pytest.mark.parametrize(
    ("path", "nearest"),
    [
        ("emial", "email"),
        ("loyaltyLevel", "metadata.loyaltyLevel"),
        ("adress.city", "address.city"),
        ("address", "address.city"),
        ("metdata", "metadata"),
        ("ID", "id"),
        ("metadata.", "metadata"),
        ("metadata.renewal.day", "metadata.renewal"),
        ("orders.count", "orders.totalCount"),
        ("events.visited", "events."),
        ("", ""),
        ("\ud800", ""),
        ("x" * 5000, ""),
    ],
)
def test_an_unknown_path(definitions: Definitions, path: str, nearest: str) -> None:
    ((code, message, location),) = problems(definitions, "name", path)
    assert (code, location) == ("UNKNOWN_ATTRIBUTE", ("input", "fields", "1"))
    assert len(message) < 200
    message.encode()
    if nearest and not nearest.endswith("."):
        assert f"the nearest is {nearest!r}." in message


def test_all_problems_at_once(definitions: Definitions) -> None:
    found = problems(definitions, "name", "nmae", "name", "emial")
    assert [(code, path[-1]) for code, _, path in found] == [
        ("UNKNOWN_ATTRIBUTE", "1"),
        ("INVALID", "2"),
        ("UNKNOWN_ATTRIBUTE", "3"),
    ]


def test_none_and_too_many(definitions: Definitions) -> None:
    assert [(code, path) for code, _, path in problems(definitions)] == [
        ("INVALID", ("input", "fields"))
    ]
    fields = [f"metadata.k{number}" for number in range(MAX_FIELDS + 1)]
    assert parse_fields(fields[1:], definitions) == tuple(fields[1:])
    assert [(code, path) for code, _, path in problems(definitions, *fields)] == [
        ("TOO_MANY", ("input", "fields"))
    ]


def test_the_projection_has_no_path_inside_another() -> None:
    columns = resolve_columns(
        ["name", "metadata.a.b", "metadata.a", "metadata.ab", "events.a.b.count", "id"], {}
    )
    assert projection(columns) == {
        "_id": 1,
        "name": 1,
        "metadata.a": 1,
        "metadata.ab": 1,
        "events.a%2Eb.count": 1,
    }
