"""The clients of all channels: HTTP for webhooks, SMTP for emails."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Self

from app.domain.deliveries import AttemptResult, Content, WebhookRequest
from app.services.deliveries.smtp_client import SmtpClient
from app.services.deliveries.webhook_client import WebhookClient
from app.settings import Settings


class Channels:
    """Sends the content of deliveries by the client that fits it."""

    def __init__(self, settings: Settings, max_connections: int) -> None:
        self._webhooks = WebhookClient(
            allow_private=settings.webhook_allow_private, max_connections=max_connections
        )
        self._emails = SmtpClient(settings)
        self._exit_stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._exit_stack.enter_async_context(self._webhooks)
        self._exit_stack.push_async_callback(self._emails.close)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._exit_stack.aclose()

    async def send(
        self, delivery_id: str, content: Content, valid_secrets: Sequence[str]
    ) -> AttemptResult:
        """Sends the content once. `valid_secrets` sign a webhook."""
        if isinstance(content, WebhookRequest):
            return await self._webhooks.send(delivery_id, content, valid_secrets)
        return await self._emails.send(delivery_id, content)
