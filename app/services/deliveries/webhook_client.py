"""Sends the requests of webhooks."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Self

import httpcore
import httpx

from app.domain.deliveries import AttemptResult, Outcome, WebhookRequest
from app.services.deliveries.network_guard import GuardedTransport
from app.services.deliveries.signing import sign

ATTEMPT_TIMEOUT_SECONDS = 10.0
_GONE = 410
# Enough for an error message. A longer response is not read, and its connection is closed.
_MAX_RESPONSE_BYTES = 4_096
_MAX_QUOTED_CHARACTERS = 200
_BODY_TIMEOUT_SECONDS = 1.0
_USER_AGENT = "customer-segments"
_SEND_ERRORS = (
    *(httpx.HTTPError, httpx.InvalidURL, httpcore.NetworkError, httpcore.ProtocolError),
    *(httpcore.TimeoutException, OSError, ValueError),
)


class WebhookClient:
    """An HTTP client without redirects, cookies and proxies."""

    def __init__(self, *, allow_private: bool, max_connections: int) -> None:
        self._client = httpx.AsyncClient(
            transport=GuardedTransport(
                allow_private=allow_private, max_connections=max_connections
            ),
            # The whole attempt has one time limit; see send().
            timeout=None,  # noqa: S113
            follow_redirects=False,
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def send(
        self, message_id: str, request: WebhookRequest, valid_secrets: Sequence[str]
    ) -> AttemptResult:
        """Sends the request once, signed with all valid secrets. Never raises for the receiver's
        fault."""
        headers = {
            **request.headers,
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
            "User-Agent": _USER_AGENT,
            **sign(message_id, request.body, valid_secrets, datetime.now(UTC)),
        }
        # Bytes, because a str of a header would have to be ASCII.
        raw_headers = [
            (name.encode("ascii"), value.encode("latin-1")) for name, value in headers.items()
        ]
        try:
            http_request = self._client.build_request(
                "POST", request.url, content=request.body, headers=raw_headers
            )
            async with asyncio.timeout(ATTEMPT_TIMEOUT_SECONDS):
                response = await self._client.send(http_request, stream=True)
        except TimeoutError:
            message = f"There was no answer within {ATTEMPT_TIMEOUT_SECONDS:.0f} seconds."
            return AttemptResult(Outcome.RETRY, message)
        except _SEND_ERRORS as error:
            return AttemptResult(Outcome.RETRY, str(error) or type(error).__name__)
        self._client.cookies.clear()
        text = await _read_start(response)
        if response.is_success:
            return AttemptResult(Outcome.DELIVERED)
        outcome = Outcome.GONE if response.status_code == _GONE else Outcome.RETRY
        return AttemptResult(outcome, f"The receiver answered {response.status_code}", _quote(text))


async def _read_start(response: httpx.Response) -> str:
    """Reads a short response whole, so that its connection can be used again, and closes it.

    The status alone decides, so a body that is long, slow or broken is no error.
    """
    body = b""
    try:
        async with asyncio.timeout(_BODY_TIMEOUT_SECONDS):
            async for part in response.aiter_raw():
                body += part
                if len(body) > _MAX_RESPONSE_BYTES:
                    break
    except (TimeoutError, *_SEND_ERRORS):
        pass
    finally:
        with suppress(*_SEND_ERRORS):
            await response.aclose()
    return body[:_MAX_RESPONSE_BYTES].decode("utf-8", "replace")


def _quote(text: str) -> str:
    line = " ".join(text.split())[:_MAX_QUOTED_CHARACTERS]
    return "".join(character for character in line if character.isprintable())
