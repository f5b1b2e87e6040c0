"""Generates the reference of the translation, graphql-schema/voucherify.md, from its tables."""

from app.filters.reference import inline_code, markdown_table
from app.filters.voucherify import fields, operators

_INTRODUCTION = """\
# Moving from Voucherify

Written by `segments sdl` from the code; do not edit.

The query `filterFromVoucherify` takes the `filter` of a Voucherify segment and returns a filter
for `segmentCreate`. If a part of the filter is not supported, the query returns no filter. It
returns one error for each part that is not supported, with the path of the part and what to do
instead.

Voucherify does not document its filter format in full. Where the format leaves room, the query
applies these rules:

- Define your metadata before you move filters. The definition of a key decides whether `"5"` is a
  number or a text, and whether `$more_than` compares numbers or counts days. In a key without a
  definition, a text stays a text (only operators that take numbers read `"5"` as a number), and no
  date operator matches.
- The `junction` joins the fields; it is `and` by default. The operators of one field must all
  match, even if the junction is `or`.
- Several values of an operator mean "one of these". For a negative operator they mean "none of
  these", for `$includes` "all of these". Operators that compare with more or less take one value.
- A negative operator also matches a missing value. Upper and lower case differ.
- "More than 30 days ago" and similar operators count back 30 times 24 hours from the time of the
  evaluation; a date counts as its midnight. "Exactly 30 days ago" is a calendar day. 0 days become
  one millisecond.
- On a date, midnight in UTC (`1990-02-28T00:00:00.000Z`) is that day, in every time zone.
- On `birthdate`, operators for calendar days, weeks and months apply to the birthday. A published
  example asks for birthdates in the next month, which no customer can have.
- `$is_years_ago` counts full years, like an age. Together with `$is_days_in_future_md`, as in
  "turns 60 in 3 days", it counts the years that are complete on that day."""


def render_reference() -> str:
    """The reference as Markdown: the translated and the unsupported fields and operators."""
    paths = [
        *fields.PATHS_BY_FIELD.items(),
        *((path, path) for path in ("metadata.KEY", "events.NAME.count")),
    ]
    translations = operators.TRANSLATIONS.items()
    parts = (
        _INTRODUCTION,
        "## Fields",
        markdown_table(
            ("Voucherify", "this API"),
            [
                (inline_code(voucherify_name), inline_code(own_name))
                for voucherify_name, own_name in paths
            ],
        ),
        "These fields, and all fields below them, are not supported:",
        markdown_table(
            ("Voucherify", "what to do instead"),
            [
                (inline_code(voucherify_name), advice)
                for voucherify_name, advice in fields.UNSUPPORTED_FIELDS.items()
            ],
        ),
        "## Operators",
        markdown_table(
            ("Voucherify", "this API"),
            [
                (inline_code(voucherify_name), translation.description)
                for voucherify_name, translation in translations
            ],
        ),
        "These operators are not supported:",
        markdown_table(
            ("Voucherify", "what to do instead"),
            [
                (inline_code(voucherify_name), advice)
                for voucherify_name, advice in operators.UNSUPPORTED_OPERATORS.items()
            ],
        ),
    )
    return "\n\n".join(parts) + "\n"
