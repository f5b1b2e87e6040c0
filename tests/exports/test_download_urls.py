"""Signed URLs: only what was signed is valid, until it expires."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from app.errors import SetupError
from app.services.exports.download_urls import DownloadUrls, UrlState

SECONDS = timedelta(seconds=1)
SECRET_KEY = SecretStr("a secret of the test")


def test_the_url() -> None:
    urls = DownloadUrls(SECRET_KEY)
    expires_at = datetime(2026, 11, 28, 12, 0, 0, 999_000, tzinfo=UTC)
    url = urls.url("exp_1", expires_at, "https://shop.example:8443/")
    assert re.fullmatch(
        r"https://shop\.example:8443/exports/exp_1/1795867200/[A-Za-z0-9_-]{43}", url
    )
    *_, expiry, signature = url.split("/")
    assert urls.verify("exp_1", expiry, signature, expires_at - SECONDS) is UrlState.VALID
    assert urls.verify("exp_1", expiry, signature, expires_at) is UrlState.EXPIRED
    assert urls.verify("exp_2", expiry, signature, expires_at - SECONDS) is UrlState.FORGED
    other_urls = DownloadUrls(SecretStr("another secret of it"))
    assert other_urls.verify("exp_1", expiry, signature, expires_at - SECONDS) is UrlState.FORGED


def test_without_a_secret_key() -> None:
    with pytest.raises(SetupError, match="SEGMENTS_SECRET_KEY is not set"):
        DownloadUrls(None).url("exp_1", datetime.now(UTC), "http://x")
