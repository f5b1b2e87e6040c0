"""Checks of channels that depend on the settings."""

import httpx

from app.domain.distributions import Channel, EmailChannel
from app.errors import UserErrorCode, input_error
from app.services.deliveries.network_guard import is_public, literal_address
from app.services.deliveries.template_checks import require_valid_templates
from app.settings import Settings


def require_usable(channel: Channel, settings: Settings, *path: str) -> None:
    """Raises INVALID if the program can't send through the channel. A host name is resolved only
    when a delivery is sent."""
    if isinstance(channel, EmailChannel):
        if settings.smtp_url is None:
            message = "Emails need a server: set SEGMENTS_SMTP_URL, or use a webhook."
            raise input_error(UserErrorCode.INVALID, message, *path, "email")
        require_valid_templates(channel, *path, "email")
        return
    host = httpx.URL(channel.url).host
    address = literal_address(host)
    is_private = host.rstrip(".") == "localhost" or (address and not is_public(address))
    if is_private and not settings.webhook_allow_private:
        message = (
            f"{host} is an address of a private network; use a public one, or set"
            " SEGMENTS_WEBHOOK_ALLOW_PRIVATE."
        )
        raise input_error(UserErrorCode.INVALID, message, *path, "webhook", "url")
