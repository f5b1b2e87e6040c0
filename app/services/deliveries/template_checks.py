"""Checks of email templates when they are saved."""

import difflib
import re
from collections.abc import Iterator

import mstache

from app.domain.distributions import EmailChannel
from app.errors import InputError, Problem, UserErrorCode
from app.services.deliveries.email_templates import is_html
from app.services.deliveries.payload import ADDRESS_FIELDS, ORDER_FIELDS, PROFILE_FIELDS

VARIABLES = (
    *("id", "type", "createdAt", "code"),
    *("distribution.id", "distribution.name", "segment.id", "segment.name"),
    *("transition.id", "transition.sequence", "transition.at", "transition.cause"),
    *("customer.id", "customer.sourceId", "customer.birthdate", "customer.loyalty.points"),
    *(f"customer.{name}" for name in PROFILE_FIELDS),
    *(f"customer.address.{name}" for name in ADDRESS_FIELDS),
    *(f"customer.orders.{name}" for name in ORDER_FIELDS),
)
# Objects, for sections that depend on whether there is one.
_SECTIONS = ("transition", "customer.address", ".")
_METADATA_PREFIX = "customer.metadata."
_MAX_VARIABLES = 200

_TAG = re.compile(r"<[A-Za-z/!](?:\"[^\"]*\"|'[^']*'|[^\"'>])*>")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_VARIABLE_AS_URL = re.compile(r"\b(?:href|src|action)\s*=\s*[\"']?\s*\{\{", re.IGNORECASE)
_CODE_ELEMENT = re.compile(r"<\s*(?:script|style|iframe|object|embed)\b", re.IGNORECASE)


def require_valid_templates(channel: EmailChannel, *path: str) -> None:
    """Raises INVALID with all problems of subject and body."""
    problems = [
        Problem(UserErrorCode.INVALID, message, (*path, field))
        for field, template in (("subject", channel.subject), ("body", channel.body))
        for message in _find_problems(template)
    ]
    problems += [
        Problem(UserErrorCode.INVALID, message, (*path, "body"))
        for message in _find_html_problems(channel.body)
    ]
    if problems:
        raise InputError(problems)


def _find_problems(template: str) -> Iterator[str]:
    try:
        _, tokens, _ = mstache.tokenize(template.encode(), cache=mstache.LRUCache(1))
    except mstache.TokenException as error:
        yield f"The template is not valid Mustache: {error}."
        return
    names = set()
    for is_block, is_variable_or_end, is_text, label, _, is_raw in tokens:
        name = label.decode()
        if is_block and not is_variable_or_end and not is_text:
            yield f"{{{{> {name}}}}} is not allowed: there are no partial templates."
        elif not is_block and is_variable_or_end and not is_text and is_raw:
            yield f"Write {{{{{name}}}}} with two braces: values are always escaped."
        elif is_block or (is_variable_or_end and not is_text):
            names.add(name)
    if len(names) > _MAX_VARIABLES:
        yield f"The template has more than {_MAX_VARIABLES} variables; use fewer."
        return
    for name in sorted(names):
        if not _is_known(name):
            nearest = difflib.get_close_matches(name, VARIABLES, 1, 0) or VARIABLES[:1]
            yield f"There is no variable {name!r}; the nearest is {nearest[0]!r}."


def _is_known(name: str) -> bool:
    is_metadata = name.startswith(_METADATA_PREFIX) and all(name.split("."))
    return is_metadata or name in VARIABLES or name in _SECTIONS


def _find_html_problems(body: str) -> Iterator[str]:
    """Yields the places where a value could become more than text."""
    if not is_html(body):
        return
    if _CODE_ELEMENT.search(body):
        yield "The body must not have script, style, iframe, object or embed elements."
    if _VARIABLE_AS_URL.search(body):
        yield "A link must not begin with a variable; begin it with https:// and your host name."
    if any("{{" in _QUOTED.sub("", tag) for tag in _TAG.findall(body)):
        yield "A variable inside a tag must be in the quoted value of an attribute."
