"""Signed URLs: only what was signed is valid, until it expires."""

import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from pydantic import SecretStr, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from app.commands.api import create_server_config
from app.errors import SetupError
from app.export_download import download_base
from app.services.exports.download_urls import DownloadUrls, UrlState
from app.settings import Settings

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


@pytest.mark.parametrize(
    ("proxies", "scheme"),
    [("", "http"), ("192.0.2.7", "http"), ("172.16.0.0/12, 192.0.2.7", "https"), ("*", "https")],
)
async def test_a_trusted_proxy_tells_the_scheme(
    monkeypatch: pytest.MonkeyPatch, proxies: str, scheme: str
) -> None:
    async def respond_with_base(request: Request) -> Response:
        return PlainTextResponse(download_base(request))

    monkeypatch.setenv("FORWARDED_ALLOW_IPS", proxies)
    config = create_server_config(
        Starlette(routes=[Route("/", respond_with_base)]),
        Settings(_env_file=None),  # type: ignore[call-arg]
    )
    config.load()
    transport = httpx.ASGITransport(config.loaded_app, client=("172.18.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.example") as client:
        response = await client.get("/", headers={"X-Forwarded-Proto": "https"})

    assert response.text == f"{scheme}://shop.example"


@pytest.mark.parametrize("proxies", ["proxy.example", "10.0.0.1/8", "10.0.0.1:80"])
def test_a_proxy_is_named_by_its_address(monkeypatch: pytest.MonkeyPatch, proxies: str) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", proxies)
    with pytest.raises(ValidationError, match="is not an IP address"):
        Settings(_env_file=None)  # type: ignore[call-arg]
