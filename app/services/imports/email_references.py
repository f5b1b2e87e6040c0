"""Finds the customers that rows refer to by email."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from app.domain.search import email_key
from app.errors import Problem, UserErrorCode
from app.services.imports.row import Row

FindIdsByEmail = Callable[[Iterable[str]], Awaitable[dict[str, list[str]]]]

_PATH = ("customer", "email")


def has_email_reference(row: Row) -> bool:
    customer = row.input_object.get("customer")
    return isinstance(customer, dict) and "email" in customer and not row.problems


async def resolve_emails(rows: Sequence[Row], find_ids_by_email: FindIdsByEmail) -> list[Row]:
    """Returns the rows with the customer's id in place of the email. A row whose email no customer
    or several customers have is refused. A row that also has the sourceId keeps that alone."""
    emails = {
        email.strip()
        for row in rows
        if has_email_reference(row)
        and isinstance(email := row.input_object["customer"]["email"], str)
    }
    ids_by_email = await find_ids_by_email(emails) if emails else {}
    return [_resolve(row, ids_by_email) if has_email_reference(row) else row for row in rows]


def _resolve(row: Row, ids_by_email: dict[str, list[str]]) -> Row:
    customer: dict[str, Any] = dict(row.input_object["customer"])
    email = customer.pop("email")
    if customer.get("sourceId") or customer.get("id"):
        return row.with_fields(customer=customer)
    ids = ids_by_email.get(email_key(email), []) if isinstance(email, str) else []
    if len(ids) == 1:
        return row.with_fields(customer={"id": ids[0]})
    message = (
        "several customers have this email; name the customer by customer.sourceId."
        if ids
        else "no customer has this email; import the customers first, or name the customer by"
        " customer.sourceId."
    )
    return row.refused(Problem(UserErrorCode.NOT_FOUND, f"customer.email: {message}", _PATH))
