"""Finds out the encoding of a file."""

import codecs
import re
from typing import IO

UTF_8 = "utf-8"
CP1252 = "cp1252"
_CHUNK_BYTES = 1024 * 1024
_ENCODINGS_BY_MARK = {
    codecs.BOM_UTF8: UTF_8,
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_VALID_LETTER = re.compile("[^\x00-\x7f\udc80-\udcff]")
_INVALID_BYTE = re.compile("[\udc80-\udcff]")


def detect_encoding(stream: IO[bytes]) -> str:
    """Returns the encoding by the byte order mark, else UTF-8 or Windows-1252: a file in the latter
    has hardly any letter that is valid UTF-8. Reads the whole stream."""
    chunk = stream.read(_CHUNK_BYTES)
    for mark, encoding in _ENCODINGS_BY_MARK.items():
        if chunk.startswith(mark):
            return encoding
    decoder = codecs.getincrementaldecoder(UTF_8)(errors="surrogateescape")
    valid_count = invalid_count = 0
    while chunk:
        text = "" if chunk.isascii() else decoder.decode(chunk)
        if text and not text.isascii():
            invalid_count += len(_INVALID_BYTE.findall(text))
            valid_count += len(_VALID_LETTER.findall(text))
        chunk = stream.read(_CHUNK_BYTES)
    return CP1252 if invalid_count > valid_count else UTF_8


def describe_encoding(encoding: str) -> str:
    """Returns the usual name of an encoding."""
    return {UTF_8: "UTF-8", CP1252: "Windows-1252", "utf-16": "UTF-16"}.get(encoding, encoding)
