"""What a delivery sends: the payload as its channel sends it."""

import orjson

from app.domain.deliveries import Content, WebhookRequest
from app.domain.distributions import Channel, EmailChannel
from app.services.deliveries.payload import Payload

SKIPPED_WITHOUT_EMAIL = "The customer has no email address."


def make_content(channel: Channel, payload: Payload) -> Content | None:
    """Returns the content of the delivery; None if the customer has no address of the channel."""
    if isinstance(channel, EmailChannel):
        return None
    return WebhookRequest(channel.url, channel.headers, orjson.dumps(payload))
