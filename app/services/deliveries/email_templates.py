"""Templates of emails: Mustache, which has no code.

A template names values of the delivery's payload, like `customer.name`. A body with HTML tags is
HTML; any other is plain text. The other part of the email is derived from it. Values are escaped
for HTML there, and a subject stays one line.
"""

import html
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import quote

import mstache
import orjson

from app.services.deliveries.html_text import html_to_text
from app.services.deliveries.payload import Payload

_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
MAX_RENDERED_LENGTH = 1_000_000
_CACHED_TEMPLATES = 256
_cache: mstache.LRUCache[Any] = mstache.LRUCache(_CACHED_TEMPLATES)
_LINK = re.compile(r"https?://[^\s<>\"']+")


class EmailTooLargeError(Exception):
    """The values make an email too large."""


def is_html(body: str) -> bool:
    """Whether the body is HTML: it has a tag."""
    return _TAG.search(body) is not None


def render_line(template: str, payload: Payload) -> str:
    """Renders a subject: one line, whatever the values contain."""
    text = _render(template, payload, _as_is)
    printable = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(printable.split())


def render_text(body: str, payload: Payload) -> str:
    """Renders the part of the email that is plain text."""
    if is_html(body):
        return html_to_text(render_html(body, payload))
    return _render(body, payload, _as_is)


def render_html(body: str, payload: Payload) -> str:
    """Renders the part of the email that is HTML."""
    if is_html(body):
        return _render(body, payload, _escape_html)
    text = html.escape(_render(body, payload, _as_is), quote=False)
    linked = _LINK.sub(lambda match: f'<a href="{match[0]}">{match[0]}</a>', text)
    paragraphs = re.split(r"\n\s*\n", linked.strip().replace("\r\n", "\n"))
    broken = [paragraph.replace("\n", "<br>\n") for paragraph in paragraphs]
    return "\n".join(f"<p>{paragraph}</p>" for paragraph in broken)


def render_url(template: str, payload: Payload) -> str:
    """Renders a URL, whose values are percent-encoded."""
    return _render(template, payload, _escape_url)


def _render(template: str, payload: Payload, escape: Callable[[bytes], bytes]) -> str:
    parts = mstache.stream(
        template,
        payload,
        getter=partial(_get, payload),
        stringify=_stringify,
        escape=escape,
        lambda_render=None,
        cache=_cache,
    )
    rendered, length = [], 0
    for part in parts:
        rendered.append(part)
        length += len(part)
        if length > MAX_RENDERED_LENGTH:
            raise EmailTooLargeError
    return "".join(rendered)


def _get(
    payload: Payload, scope: Any, _: Sequence[Any], key: bytes | str, default: Any = None
) -> Any:
    """Looks a name up in the payload. Only `.` refers to the section that contains it."""
    name = key.decode() if isinstance(key, bytes) else key
    if name == ".":
        return scope
    value: Any = payload
    for part in name.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return default
        value = value[part]
    return value


def _stringify(value: Any, _: bool) -> bytes:
    if value is None:
        return b""
    return value.encode() if isinstance(value, str) else orjson.dumps(value)


def _as_is(value: bytes) -> bytes:
    return value


def _escape_html(value: bytes) -> bytes:
    return html.escape(value.decode()).encode()


def _escape_url(value: bytes) -> bytes:
    return quote(value, safe="").encode()
