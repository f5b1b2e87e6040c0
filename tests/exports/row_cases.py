"""Customers for the tests of row formats, as the store reads them."""

from collections.abc import Sequence
from typing import Any

import bson
from bson import ObjectId

from app.domain.exports import ExportFormat, RowOptions
from app.filters.catalog import MetadataType
from app.filters.fields import AttributeType
from app.services.exports.row_format import row_format
from app.store.connection import CODEC_OPTIONS

Document = dict[str, Any]

DATE_KEYS = {
    "renewal": MetadataType(AttributeType.DATE),
    "visits": MetadataType(AttributeType.DATE, is_array=True),
}


def stored(document: Document) -> Document:
    """Returns the document after a round trip through BSON."""
    encoded = bson.encode({"_id": ObjectId(), **document})
    return dict(bson.decode(encoded, CODEC_OPTIONS))


def write(fields: Sequence[str], *documents: Document, **options: Any) -> bytes:
    """Returns the file with these documents: a header and the rows."""
    format_ = row_format(RowOptions(tuple(fields), metadata_types=DATE_KEYS, **options))
    return format_.header() + format_.rows(list(map(stored, documents)))


def write_ndjson(fields: Sequence[str], *documents: Document) -> bytes:
    return write(fields, *documents, format=ExportFormat.NDJSON)


HOSTILE_TEXTS = (
    'say "hi"',
    "a,b;c\td",
    "two\nlines",
    "two\r\nlines",
    "lone\rreturn",
    "",
    " spaced ",
    "00042",
    "1e5",
    "true",
    "null",
    "NaN",
    "😀👩‍👩‍👧",
    "שלום عالم",
    "\u202eevil",
    "\ufeffmark",
    "line\u2028separator",
    "'apostrophe",
    "'=quoted",
    "=1+1",
    '=HYPERLINK("http://x","y")',
    "+48 600 100 200",
    "-5",
    "@sum",
    "\ttab",
    "\rreturn",
    "＝wide",
    "{}",
    "[1, 2]",
    "\\N",
    "ż" * 1000,
)
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
