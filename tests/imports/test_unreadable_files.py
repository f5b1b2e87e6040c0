"""Files that can't be read are refused with what to do."""

import gzip

import pytest

from app.errors import InputError
from tests.imports.conftest import ImportShop


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (b"PK\x03\x04abc", "a.xlsx", "Save the sheet as CSV UTF-8"),
        (b"PK\x03\x04abc", "a.csv", "Save the sheet as CSV UTF-8"),
        (gzip.compress(b"PK\x03\x04abc"), "a.csv.gz", "Save the sheet as CSV UTF-8"),
        (b"\xd0\xcf\x11\xe0abc", "a.xls", "Excel workbook"),
        (gzip.compress(gzip.compress(b"sourceId\n1\n")), "a.csv.gz", "compressed twice"),
        (b"BZh91AY&SY", "a.csv.bz2", "compressed by bzip2"),
        (b"\xfd7zXZ\0", "-", "compressed by xz"),
        (b"\x28\xb5\x2f\xfd\0", "-", "compressed by Zstandard"),
        ("sourceId\n1\n".encode("utf-16-le"), "a.csv", "--encoding utf-16-le"),
        (b'[{"sourceId": "1"}]', "a.json", "is a JSON array"),
        (b'\n [{"sourceId": "1"}]', "-", "jq -c"),
        (b'[{"sourceId": "1"}]', "a.ndjson", "is a JSON array"),
        (gzip.compress(b"sourceId\n" + b"1\n" * 9_000)[:-9], "a.csv.gz", "damaged or cut off"),
        (b"", "-", "The file is empty"),
        (gzip.compress(b""), "-", "The file is empty"),
    ],
)
async def test_what_can_not_be_read_is_refused_with_what_to_do(
    shop: ImportShop, content: bytes, name: str, message: str
) -> None:
    with pytest.raises(InputError) as refusal:
        await shop.import_file("customers", content, name)
    assert message in str(refusal.value)
    assert shop.dump()["customers"] == []
