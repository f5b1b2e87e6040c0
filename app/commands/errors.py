"""Any exception as one plain line."""

from pydantic import ValidationError

from app.errors import SegmentsError


def one_line(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    line = " ".join(_line(error).split())
    # The driver's own account of what it tried is no help to a person.
    return line.partition(" (configured timeouts")[0].partition(", Timeout:")[0]


def _line(error: BaseException) -> str:
    text = str(error)
    if isinstance(error, SegmentsError):
        return text
    if isinstance(error, ValidationError):
        return "; ".join(
            f"{_variable(str(problem['loc'][0]))}: {problem['msg'].removeprefix('Value error, ')}"
            for problem in error.errors()
        )
    # By name: a command that talks to neither must not load their drivers.
    match type(error).__module__.partition(".")[0]:
        case "pymongo":
            return f"MongoDB: {text}"
        case "redis":
            return f"Redis: {text}"
    return text if isinstance(error, OSError) else f"{type(error).__name__}: {text}"


def _variable(field: str) -> str:
    return field if field.isupper() else f"SEGMENTS_{field.upper()}"
