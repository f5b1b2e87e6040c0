"""Signed URLs of the files of exports.

`/exports/ID/EXPIRY/SIGNATURE`: the expiry is in seconds since 1970, and the signature is an
HMAC-SHA256 of id and expiry. Whoever has the URL may download the file until it expires. All
processes of the API need the same secret key: with a key made up by each process, a URL would be
good at one of them only. So without a key there are no URLs.
"""

import hmac
from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from enum import Enum, auto

from pydantic import SecretStr

from app.errors import SetupError

# The same key signs other things. No signature of another kind begins like this.
_SIGNED_PURPOSE = "export download"
MISSING_KEY_MESSAGE = (
    "SEGMENTS_SECRET_KEY is not set, so that no download URL can be signed; set it to the same"
    " value for all processes of the API, and restart them."
)


class UrlState(Enum):
    """Whether a URL may be used."""

    VALID = auto()
    FORGED = auto()
    EXPIRED = auto()


class DownloadUrls:
    """Signs and verifies the URLs."""

    def __init__(self, secret_key: SecretStr | None) -> None:
        self._secret_key = secret_key

    def url(self, export_id: str, expires_at: datetime, base: str) -> str:
        """Returns the absolute URL of the file.

        `base` is the scheme and the host that the client uses, like `https://shop.example.com`. The
        URL expires up to a second before `expires_at`. Raises SetupError without a secret key.
        """
        expiry = str(int(expires_at.timestamp()))
        return f"{base.rstrip('/')}/exports/{export_id}/{expiry}/{self._sign(export_id, expiry)}"

    def verify(self, export_id: str, expiry: str, signature: str, now: datetime) -> UrlState:
        """Returns whether the parts of a URL may be used at `now`. Takes the same time for any
        wrong signature. Raises SetupError without a secret key."""
        expected_signature = self._sign(export_id, expiry)
        if not hmac.compare_digest(_encode(signature), _encode(expected_signature)):
            return UrlState.FORGED
        # A signed expiry is always a number that `url` has written.
        expires_at = datetime.fromtimestamp(int(expiry), UTC)
        return UrlState.VALID if now < expires_at else UrlState.EXPIRED

    def _sign(self, export_id: str, expiry: str) -> str:
        if self._secret_key is None:
            raise SetupError(MISSING_KEY_MESSAGE)
        message = f"{_SIGNED_PURPOSE}\n{export_id}\n{expiry}"
        digest = hmac.digest(
            _encode(self._secret_key.get_secret_value()), _encode(message), "sha256"
        )
        return urlsafe_b64encode(digest).rstrip(b"=").decode()


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
