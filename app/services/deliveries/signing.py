"""Signatures of webhooks, as the Standard Webhooks specification defines them."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

_SECRET_PREFIX = "whsec_"  # noqa: S105 - the prefix of all secrets
_SECRET_BYTES = 32
_MAX_AGE_SECONDS = 300


class SupportsGet(Protocol):
    """Headers whose names are found whatever their case."""

    def get(self, name: str, /) -> str | None: ...


def new_secret() -> str:
    """Returns a random secret: `whsec_` and 32 bytes in base64."""
    return _SECRET_PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def sign(
    message_id: str, body: bytes, valid_secrets: Iterable[str], now: datetime
) -> dict[str, str]:
    """Returns the headers that sign a request: one signature for each valid secret."""
    timestamp = str(int(now.timestamp()))
    content = _signed_content(message_id, timestamp, body)
    signatures = [f"v1,{_signature(secret, content)}" for secret in valid_secrets]
    return {
        "Webhook-Id": message_id,
        "Webhook-Timestamp": timestamp,
        "Webhook-Signature": " ".join(signatures),
    }


def _signature(secret: str, content: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(_SECRET_PREFIX))
    return base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()


def is_valid_signature(headers: SupportsGet, body: bytes, secret: str, now: datetime) -> bool:
    """Whether a request that arrived is signed with the secret, at most five minutes ago."""
    message_id, timestamp = headers.get("Webhook-Id") or "", headers.get("Webhook-Timestamp") or ""
    if not (timestamp.isascii() and timestamp.isdigit()):
        return False
    if abs(now.timestamp() - int(timestamp)) > _MAX_AGE_SECONDS:
        return False
    expected = f"v1,{_signature(secret, _signed_content(message_id, timestamp, body))}"
    signatures = (headers.get("Webhook-Signature") or "").split(" ")
    return any(
        hmac.compare_digest(signature.encode(), expected.encode()) for signature in signatures
    )


def _signed_content(message_id: str, timestamp: str, body: bytes) -> bytes:
    return b".".join((message_id.encode(), timestamp.encode(), body))
