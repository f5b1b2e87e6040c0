"""Signatures of webhooks, as the Standard Webhooks specification defines them."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime

_SECRET_PREFIX = "whsec_"  # noqa: S105 - the prefix of all secrets
_SECRET_BYTES = 32


def new_secret() -> str:
    """Returns a random secret: `whsec_` and 32 bytes in base64."""
    return _SECRET_PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def sign(
    message_id: str, body: bytes, valid_secrets: Iterable[str], now: datetime
) -> dict[str, str]:
    """Returns the headers that sign a request: one signature for each valid secret."""
    timestamp = str(int(now.timestamp()))
    content = b".".join((message_id.encode(), timestamp.encode(), body))
    signatures = [f"v1,{_signature(secret, content)}" for secret in valid_secrets]
    return {
        "Webhook-Id": message_id,
        "Webhook-Timestamp": timestamp,
        "Webhook-Signature": " ".join(signatures),
    }


def _signature(secret: str, content: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(_SECRET_PREFIX))
    return base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
