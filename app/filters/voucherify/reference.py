"""What becomes of Voucherify's filters, written from the tables themselves."""

from app.filters.reference import inline_code, markdown_table
from app.filters.voucherify import fields, operators

_INTRODUCTION = """\
# Moving from Voucherify

Written by `segments sdl` from the code; do not edit.

The query `filterFromVoucherify` takes what stands in the `filter` of a segment of Voucherify's, and
gives a filter that `segmentCreate` takes. Where a part has no counterpart, it gives no filter but
names every such part with its path, and says what to do instead.

Their format is not described in full anywhere; where it leaves room, this is what is done:

- Define your metadata before you move filters. The definition decides whether `"5"` is a number or
  a text, and whether `$more_than` compares numbers or counts days. In a key without a definition a
  text stays text (only operators that take numbers read `"5"` as one), and no date operator holds.
- Fields are joined by the `junction`, `and` where there is none. The operators of one field all
  hold, with `or` too.
- Several values mean either of them: those of a negative operator none, those of `$includes` all.
  Operators that compare more and less take one value.
- A negative operator holds for a missing value, too. Case counts.
- "More than 30 days ago" and its like count 30 times 24 hours back from the moment of asking; a
  date counts from its midnight. "Exactly 30 days ago" is a day of the calendar. 0 days stand for a
  millisecond.
- On a date, midnight in UTC (`1990-02-28T00:00:00.000Z`) is that day, whatever the time zone.
- On `birthdate` the days, weeks and months of the calendar are those of the birthday: nobody is
  born next month, though a published example asks for it.
- `$is_years_ago` counts full years, as with an age. Beside `$is_days_in_future_md`, as in "turns 60
  in 3 days", it is read as the years that will be full on that day."""


def render_reference() -> str:
    """What is what, and what is not, as Markdown."""
    paths = [
        *fields.PATHS_BY_FIELD.items(),
        *((path, path) for path in ("metadata.KEY", "events.NAME.count")),
    ]
    translations = operators.TRANSLATIONS.items()
    parts = (
        _INTRODUCTION,
        "## Fields",
        markdown_table(
            ("theirs", "ours"),
            [
                (inline_code(voucherify_name), inline_code(own_name))
                for voucherify_name, own_name in paths
            ],
        ),
        "Without a counterpart, and all that begins with them:",
        markdown_table(
            ("theirs", "instead"),
            [
                (inline_code(voucherify_name), advice)
                for voucherify_name, advice in fields.UNSUPPORTED_FIELDS.items()
            ],
        ),
        "## Operators",
        markdown_table(
            ("theirs", "ours"),
            [
                (inline_code(voucherify_name), translation.description)
                for voucherify_name, translation in translations
            ],
        ),
        "Without a counterpart:",
        markdown_table(
            ("theirs", "instead"),
            [
                (inline_code(voucherify_name), advice)
                for voucherify_name, advice in operators.UNSUPPORTED_OPERATORS.items()
            ],
        ),
    )
    return "\n\n".join(parts) + "\n"
