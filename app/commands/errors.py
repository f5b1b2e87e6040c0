"""Any exception as one plain line."""

from pydantic import ValidationError

from app.errors import SegmentsError


def format_error(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    description = " ".join(_describe(error).split())
    # The driver's own account of what it tried is no help to a person.
    return description.partition(" (configured timeouts")[0].partition(", Timeout:")[0]


def _describe(error: BaseException) -> str:
    text = str(error)
    if isinstance(error, SegmentsError):
        return text
    if isinstance(error, ValidationError):
        return "; ".join(
            f"{_environment_variable(str(problem['loc'][0]))}: {problem['msg'].removeprefix('Value error, ')}"
            for problem in error.errors()
        )
    # By name: a command that talks to neither must not load their drivers.
    match type(error).__module__.partition(".")[0]:
        case "pymongo":
            return f"MongoDB: {text}"
        case "redis":
            return f"Redis: {text}"
    return text if isinstance(error, OSError) else f"{type(error).__name__}: {text}"


def _environment_variable(field_name: str) -> str:
    return field_name if field_name.isupper() else f"SEGMENTS_{field_name.upper()}"
