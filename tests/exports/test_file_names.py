"""File names of exports: safe in every file system, whatever the segment is called."""

import re
import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.export_file_names import export_file_name
from app.domain.exports import ExportFormat
from app.export_download import content_disposition

AT = datetime(2026, 11, 28, 23, 59, tzinfo=UTC)
RESERVED = ["con", "prn", "aux", "nul", "com1", "COM9", "lpt1", "LPT9", "com¹"]


def name_of(segment_name: str) -> str:
    return export_file_name(segment_name, AT, ExportFormat.CSV)


@pytest.mark.parametrize(
    ("segment_name", "file_name"),
    [
        ("VIP customers", "VIP customers 2026-11-28.csv"),
        ("Łódź 😀", "Łódź 😀 2026-11-28.csv"),
        ("../../etc/passwd", "_.._etc_passwd 2026-11-28.csv"),
        ("C:\\x", "C__x 2026-11-28.csv"),
        ('a<b>c"d|e?f*g', "a_b_c_d_e_f_g 2026-11-28.csv"),
        ("tab\tnew\r\nline", "tab new line 2026-11-28.csv"),
        ("\u202efdp.exe", "fdp.exe 2026-11-28.csv"),
        ("zero\u200bwidth\x00\x7f\ufeff", "zerowidth 2026-11-28.csv"),
        (" .hidden. ", "hidden 2026-11-28.csv"),
        ("con", "_con 2026-11-28.csv"),
        ("NUL.txt", "_NUL.txt 2026-11-28.csv"),
        ("contacts", "contacts 2026-11-28.csv"),
        ("...", "segment 2026-11-28.csv"),
        ("\u200b", "segment 2026-11-28.csv"),
    ],
)
def test_a_name(segment_name: str, file_name: str) -> None:
    assert name_of(segment_name) == file_name


def test_the_format() -> None:
    assert export_file_name("a", AT, ExportFormat.NDJSON) == "a 2026-11-28.ndjson"


@settings(derandomize=True, max_examples=500, deadline=None)
@given(
    st.text(min_size=1, max_size=255)
    | st.sampled_from(RESERVED)
    | st.builds("{}.{}".format, st.sampled_from(RESERVED), st.text(max_size=3))
)
def test_any_name(segment_name: str) -> None:
    name = name_of(segment_name)
    assert len(name.encode()) <= 140
    assert name.endswith(" 2026-11-28.csv")
    assert not set(name) & set('<>:"/\\|?*')
    assert not any(unicodedata.category(character).startswith("C") for character in name)
    assert name[0] not in " ."
    assert name.partition(".")[0].rstrip().lower() not in map(str.lower, RESERVED)
    header = content_disposition(name)
    assert header.isascii()
    assert re.fullmatch(r"attachment; filename=\"[ -~]+\"; filename\*=UTF-8''[!-~]+", header)
    assert header.count('"') == 2
    # Starlette encodes headers in Latin-1.
    header.encode("latin-1")
