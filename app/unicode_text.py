"""Unicode normalization: text that comes in is stored and compared in form C (NFC)."""

from typing import Any
from unicodedata import normalize

# Validation rejects JSON that is nested deeper.
_MAX_NORMALIZED_DEPTH = 64


def to_nfc(text: str) -> str:
    """Returns the text in Unicode's normalization form C: é is one character, not e and an
    accent."""
    return text if text.isascii() else normalize("NFC", text)


def is_visible(text: str) -> bool:
    """Whether the text has a character that can be seen. U+FEFF, for example, can't, and is no
    blank either."""
    return any(character.isprintable() and not character.isspace() for character in text)


def json_to_nfc(value: Any, max_depth: int = _MAX_NORMALIZED_DEPTH) -> Any:
    """Returns a JSON value with all of its texts and keys in NFC. Parts that are nested deeper than
    `max_depth` stay as they are. Of keys that become equal, the last one counts."""
    if isinstance(value, str):
        return to_nfc(value)
    if max_depth and isinstance(value, dict):
        return {
            to_nfc(key) if isinstance(key, str) else key: (
                to_nfc(inner) if isinstance(inner, str) else json_to_nfc(inner, max_depth - 1)
            )
            for key, inner in value.items()
        }
    if max_depth and isinstance(value, list):
        return [json_to_nfc(inner, max_depth - 1) for inner in value]
    return value
