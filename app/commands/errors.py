"""Formats exceptions for the command line."""

import os

from pydantic import ValidationError

from app.errors import SegmentsError


def format_error(error: BaseException) -> str:
    """Returns any exception as one line."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    description = " ".join(_describe(error).split())
    # The drivers append their settings and a list of all servers.
    return description.partition(" (configured timeouts")[0].partition(", Timeout:")[0]


def _describe(error: BaseException) -> str:
    text = str(error)
    if isinstance(error, SegmentsError):
        return text
    if isinstance(error, ValidationError):
        return "; ".join(
            f"{_environment_variable(str(problem['loc'][0]))}:"
            f" {problem['msg'].removeprefix('Value error, ')}"
            for problem in error.errors()
        )
    # By module name, as commands that need no database must not import its driver.
    match type(error).__module__.partition(".")[0]:
        case "pymongo":
            return f"MongoDB: {text}"
        case "redis":
            return f"Redis: {text}"
    if isinstance(error, OSError):
        return _describe_os_error(error)
    return f"{type(error).__name__}: {text}"


def _describe_os_error(error: OSError) -> str:
    """Returns the file's name and what is wrong with it, without the number of the error."""
    if error.filename is None or error.strerror is None:
        return str(error)
    name = os.fsdecode(error.filename)
    if isinstance(error, IsADirectoryError):
        return f"{name} is a folder; name a file"
    return f"{name}: {error.strerror}"


def _environment_variable(field_name: str) -> str:
    return field_name if field_name.isupper() else f"SEGMENTS_{field_name.upper()}"
