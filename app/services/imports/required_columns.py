"""What the columns of a file must give before a row is read."""

import re
from collections.abc import Sequence

from app.errors import InputError, UserErrorCode, input_error
from app.services.imports.fields import FieldKind, InputFields
from app.services.imports.header import Header
from app.services.imports.options import AmountUnit, ImportOptions

MISSING_TIME = (
    'a history needs the time of each row. Map a column, like --map "Date=at", or say --dates now'
    " to take the time of the import."
)
_NUMBER_LIKE = re.compile("-?[0-9][0-9.,' \u00a0\u202f]*")
_REQUIRED_FIELDS = {
    "customers": ("sourceId",),
    "events": ("customer", "name"),
    "orders": ("sourceId", "customer"),
}
_CUSTOMER_HINT = "customer.sourceId or customer.email"


def require_columns(header: Header, fields: InputFields, options: ImportOptions) -> None:
    """Raises INVALID if no column gives a field that every row needs, or a path of `--type`."""
    given = {columns.path for columns in header.paths}
    given_fields = {path[0] for path in given}
    for name in _REQUIRED_FIELDS[fields.row_type]:
        if name not in given_fields:
            raise _missing_column(name, header, options)
    if fields.row_type == "events" and "at" not in given_fields and not options.is_missing_time_now:
        raise input_error(UserErrorCode.INVALID, f"No column gives at: {MISSING_TIME}")
    preset_types = options.preset.types if options.preset else {}
    for path in options.types_by_path:
        key = tuple(path.split("."))
        if path not in preset_types and key not in given:
            raise input_error(
                UserErrorCode.INVALID, f"--type: no column is mapped to {path}; correct the path."
            )
        if fields.find_kind(key) is not FieldKind.OPEN:
            raise input_error(
                UserErrorCode.INVALID,
                f"--type: the type of {path} is fixed; only metadata and properties take one.",
            )


def require_amount_unit(
    header: Header, samples: Sequence[str | None], options: ImportOptions
) -> None:
    """Raises INVALID if the file has amounts of money and nothing says their unit."""
    if options.amounts is not None:
        return
    for columns in header.paths:
        if columns.kind not in (FieldKind.AMOUNT, FieldKind.PRICE):
            continue
        for index in columns.indexes:
            if sample := samples[index]:
                raise _missing_unit(header.names[index], ".".join(columns.path), sample.strip())


def _missing_unit(name: str, path: str, sample: str) -> InputError:
    major = f"--amounts {AmountUnit.MAJOR.value} if {sample} means {sample}"
    if not _NUMBER_LIKE.fullmatch(sample):
        fix = (
            "--amounts major if 12 means 12.00, or --amounts minor if it means 0.12 (cents), and"
            " correct this text: an amount is a number alone, like 12.50"
        )
    elif sample.lstrip("-").isdigit():
        minor = f"{int(sample) / 100:.2f}"
        means = f"{sample}.00"
        fix = (
            f"--amounts major if {sample} means {means}, or --amounts minor if it means {minor}"
            " (cents)"
        )
    else:
        fix = f"{major} (and --decimal , if its decimals follow a comma)"
    return input_error(
        UserErrorCode.INVALID,
        f"Column {name!r} ({path}): the unit of {sample!r:.50} is not known. Say {fix}.",
    )


def _missing_column(name: str, header: Header, options: ImportOptions) -> InputError:
    paths = _CUSTOMER_HINT if name == "customer" else name
    example = paths.split(" ")[0]
    names = ", ".join(map(repr, header.names[:10]))
    preset = f" with --preset {options.preset.name}" if options.preset else ""
    return input_error(
        UserErrorCode.INVALID,
        f'No column gives {paths}{preset}. Map one, like --map "COLUMN={example}"; the file has the'
        f" columns {names}.",
    )
