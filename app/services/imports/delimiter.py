"""Finds out the delimiter of a CSV file."""

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab"}


def detect_delimiter(header_line: str) -> str:
    """Returns the delimiter that the header has most often outside of quotes."""
    unquoted = "".join(header_line.split('"')[::2])
    return max(DELIMITERS, key=unquoted.count)
