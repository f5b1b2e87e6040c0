"""What a delivery sends: the payload as its channel sends it."""

import re
from email.errors import MessageError
from email.headerregistry import Address

import orjson

from app.domain.deliveries import Content, EmailMessage, Skipped, WebhookRequest
from app.domain.distributions import Channel, EmailChannel
from app.services.deliveries.email_templates import (
    EmailTooLargeError,
    render_html,
    render_line,
    render_text,
    render_url,
)
from app.services.deliveries.payload import Payload
from app.settings import Settings

_NO_ADDRESS = Skipped("The customer has no email address.")
_INVALID_ADDRESS = Skipped("The customer's email address is not valid.")
_TOO_LARGE = Skipped("With the customer's values the email is too large.")
_MAX_ADDRESS_LENGTH = 320
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


class ContentMaker:
    """Makes the content of deliveries."""

    def __init__(self, settings: Settings) -> None:
        self._unsubscribe_url = settings.unsubscribe_url or ""

    def make(self, channel: Channel, payload: Payload) -> Content | Skipped:
        """Returns the content of the delivery, or why the customer can't get it."""
        if isinstance(channel, EmailChannel):
            try:
                return self._make_email(channel, payload)
            except EmailTooLargeError:
                return _TOO_LARGE
        return WebhookRequest(channel.url, channel.headers, orjson.dumps(payload))

    def _make_email(self, channel: EmailChannel, payload: Payload) -> EmailMessage | Skipped:
        address = (payload["customer"].get("email") or "").strip()
        if not address:
            return _NO_ADDRESS
        if not _is_address(address):
            return _INVALID_ADDRESS
        subject = render_line(channel.subject, payload)
        return EmailMessage(
            to=address,
            subject=f"[Test] {subject}" if payload.get("test") else subject,
            text=render_text(channel.body, payload),
            html=render_html(channel.body, payload),
            unsubscribe_url=render_url(self._unsubscribe_url, payload),
        )


def _is_address(text: str) -> bool:
    if len(text) > _MAX_ADDRESS_LENGTH or not text.isprintable():
        return False
    # `Address` knows only ASCII in the part before the @; mail servers with SMTPUTF8 take the rest.
    local_part, at_sign, domain = text.rpartition("@")
    try:
        address = Address(addr_spec=_NOT_ASCII.sub("x", local_part) + at_sign + domain)
    except (MessageError, ValueError, IndexError):
        return False
    return bool(address.username and address.domain)
