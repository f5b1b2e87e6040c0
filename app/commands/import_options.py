"""Parses the options of `segments import`."""

import codecs
from collections.abc import Callable, Iterable
from typing import TypeVar
from zoneinfo import ZoneInfo

import typer

from app.services.imports.options import (
    AmountUnit,
    ColumnType,
    DateFormat,
    DecimalMark,
    ImportOptions,
    UnknownColumns,
)
from app.services.imports.presets import PRESETS, Preset

_NOW = "now"
_DELIMITERS_BY_NAME = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";"}

Value = TypeVar("Value")


def parse_options(
    row_type: str,
    *,
    preset: str | None,
    paths: Iterable[str],
    unknown: str | None,
    types: Iterable[str],
    delimiter: str | None,
    encoding: str | None,
    amounts: str | None,
    decimal: str | None,
    dates: Iterable[str],
    zone: str | None,
) -> ImportOptions:
    """Returns the options. Raises BadParameter, which ends the command with status 2, for a wrong
    value."""
    formats = [text for text in dates if text != _NOW]
    if len(formats) > 1:
        raise typer.BadParameter("--dates: a file has one form of dates, besides now.")
    return ImportOptions(
        preset=_parse_preset(preset, row_type) if preset else None,
        paths_by_column=_split_pairs("--map", "COLUMN=path", paths),
        types_by_path={
            path: _parse_value("--type", ColumnType.parse, name)
            for path, name in _split_pairs("--type", "PATH=TYPE", types).items()
        },
        unknown=_parse_choice("--unknown", UnknownColumns, unknown),
        delimiter=_parse_delimiter(delimiter),
        encoding=_parse("--encoding", _parse_encoding, encoding),
        amounts=_parse_choice("--amounts", AmountUnit, amounts),
        decimal=_parse_choice("--decimal", DecimalMark, decimal),
        dates=_parse_choice("--dates", DateFormat, formats[0] if formats else None),
        is_missing_time_now=_NOW in dates,
        zone=_parse("--zone", _parse_zone, zone),
    )


def _parse_preset(name: str, row_type: str) -> Preset:
    preset = PRESETS.get(name)
    if preset is None:
        raise typer.BadParameter(f"--preset: {name!r} is not one of {', '.join(PRESETS)}.")
    if row_type not in preset.row_types:
        commands = " or ".join(f"`segments import {name}`" for name in preset.row_types)
        raise typer.BadParameter(f"--preset: {name} is for {commands}.")
    return preset


def _split_pairs(option: str, form: str, texts: Iterable[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in texts:
        left, right = _split_pair(option, form, text)
        if pairs.setdefault(left, right) != right:
            raise typer.BadParameter(
                f"{option}: {left!r} is given twice, as {pairs[left]} and as {right}; say one."
            )
    return pairs


def _split_pair(option: str, form: str, text: str) -> tuple[str, str]:
    left, mark, right = text.rpartition("=")
    if not mark or not left.strip() or not right.strip():
        raise typer.BadParameter(f"{option}: {text!r} is not {form}.")
    return left.strip(), right.strip()


def _parse(option: str, parse: Callable[[str], Value], text: str | None) -> Value | None:
    return None if text is None else _parse_value(option, parse, text)


def _parse_value(option: str, parse: Callable[[str], Value], text: str) -> Value:
    try:
        return parse(text)
    except ValueError as error:
        raise typer.BadParameter(f"{option}: {text!r} {error}.") from None


def _parse_choice(option: str, choices: type[Value], text: str | None) -> Value | None:
    values = [choice.value for choice in choices]  # type: ignore[attr-defined]
    if text is not None and text not in values:
        raise typer.BadParameter(f"{option}: {text!r} is not one of {' '.join(values)}.")
    return None if text is None else choices(text)  # type: ignore[call-arg]


def _parse_delimiter(text: str | None) -> str | None:
    delimiter = _DELIMITERS_BY_NAME.get(text or "", text)
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n'):
        raise typer.BadParameter(f"--delimiter: {text!r} is not one character, or tab.")
    return delimiter


def _parse_encoding(name: str) -> str:
    try:
        # Raises LookupError for a codec that is not of text, like base64.
        b"a".decode(name, "replace")
        return codecs.lookup(name).name
    except LookupError:
        raise ValueError("is not a known encoding, like utf-8, cp1252 or utf-16") from None


def _parse_zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        raise ValueError("is not a time zone like Europe/Berlin or UTC") from None
