"""Settings from the environment. Each entry point reads them once and passes them on."""

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

_MIN_SECRET_KEY_CHARACTERS = 16


def _validate_time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(
            f"{name!r} is not a time zone; use an IANA name like Europe/Warsaw"
        ) from None
    return name


def _split_at_commas(text: object) -> object:
    """Turns "a, b" into ("a", "b")."""
    if isinstance(text, str):
        return tuple(filter(None, map(str.strip, text.split(","))))
    return text


def _validate_host_name(name: str) -> str:
    if not re.fullmatch(r"[^\s:/@*\[\]]+|\[?[0-9a-fA-F:.]+\]?", name):
        raise ValueError(
            f"{name!r} is not a host name; use names like shop.example.com, without a port"
        )
    return name


# Of a page, or of an extension of a browser: some GraphQL clients are extensions.
_ORIGIN = re.compile(
    r"https?://([^\s:/@*\[\]]+|\[[0-9a-f:.]+\])(:[0-9]+)?|[a-z]+(-[a-z]+)*-extension://[0-9a-z-]+"
)


def _validate_origin(origin: str) -> str:
    """Returns the origin in the form in which browsers send it."""
    normalized = origin.lower().removesuffix("/")
    if not _ORIGIN.fullmatch(normalized):
        raise ValueError(
            f"{origin!r} is not an origin; use origins like https://shop.example.com, without a"
            " path"
        )
    return normalized


def _validate_proxy(address: str) -> str:
    try:
        if address != "*":
            ip_network(address)
    except ValueError:
        raise ValueError(
            f"{address!r} is not an IP address; use addresses like 10.0.0.5, networks like"
            " 10.0.0.0/8, or * for any"
        ) from None
    return address


def _validate_currency(code: str) -> str:
    if not re.fullmatch("[A-Z]{3}", code):
        raise ValueError(f"{code!r} is not a currency; use an ISO 4217 code like EUR")
    return code


def _validate_secret_key(key: SecretStr) -> SecretStr:
    if len(key.get_secret_value()) < _MIN_SECRET_KEY_CHARACTERS:
        raise ValueError(
            f"must have at least {_MIN_SECRET_KEY_CHARACTERS} characters; make one with"
            " `openssl rand -hex 32`"
        )
    return key


def _validate_smtp_url(url: SecretStr) -> SecretStr:
    try:
        parts = urlsplit(url.get_secret_value())
        is_valid = parts.scheme in ("smtp", "smtps") and parts.hostname and parts.port != 0
    except ValueError:
        is_valid = False
    if not is_valid:
        raise ValueError("use smtp://user:password@host:port, or smtps:// for TLS from the start")
    return url


def _validate_unsubscribe_url(url: str) -> str:
    if not url.startswith(("https://", "http://")) or not url.isprintable() or " " in url:
        raise ValueError(f"{url!r} is not a URL that begins with https:// or http://")
    return url


Origin = Annotated[str, AfterValidator(_validate_origin)]
HostName = Annotated[str, AfterValidator(_validate_host_name)]
Proxy = Annotated[str, AfterValidator(_validate_proxy)]


class Settings(BaseSettings):
    """Read from the environment and .env: MONGODB_URL, REDIS_URL, FORWARDED_ALLOW_IPS and
    SEGMENTS_*."""

    model_config = SettingsConfigDict(
        env_prefix="SEGMENTS_", env_file=".env", extra="ignore", frozen=True, populate_by_name=True
    )

    mongodb_url: SecretStr | None = Field(default=None, validation_alias="MONGODB_URL")
    redis_url: SecretStr | None = Field(default=None, validation_alias="REDIS_URL")
    secret_key: Annotated[SecretStr, AfterValidator(_validate_secret_key)] | None = None
    auth: Literal["keys", "off"] = "keys"
    database: str = Field(default="segments", pattern=r"^[A-Za-z0-9_-]{1,60}$")
    time_zone: Annotated[str, AfterValidator(_validate_time_zone)] = "UTC"
    week_start: Literal["MONDAY", "SUNDAY", "SATURDAY"] = "MONDAY"
    currency: Annotated[str, AfterValidator(_validate_currency)] | None = None
    allowed_origins: Annotated[tuple[Origin, ...], NoDecode, BeforeValidator(_split_at_commas)] = ()
    allowed_hosts: Annotated[tuple[HostName, ...], NoDecode, BeforeValidator(_split_at_commas)] = ()
    forwarded_allow_ips: Annotated[
        tuple[Proxy, ...], NoDecode, BeforeValidator(_split_at_commas)
    ] = Field(default=("127.0.0.1", "::1"), validation_alias="FORWARDED_ALLOW_IPS")
    max_body_bytes: int = Field(default=16 * 1024 * 1024, ge=1024)
    operation_seconds: float = Field(default=60, gt=0)
    stop_seconds: float = Field(default=20, ge=0)
    max_operation_cost: int = Field(default=200_000, ge=1_000)
    points_per_second: int = Field(default=50_000, ge=1)
    max_streams_per_key: int = Field(default=2_000, ge=1)
    fast_executor: bool = True
    query_seconds: float = Field(default=30, ge=0.001)
    population_queries: int = Field(default=3, ge=1, le=100)
    substring_index: bool = True
    size_interval_minutes: int = Field(default=60, ge=5, le=24 * 60)
    transition_retention_days: float | None = Field(default=None, gt=0, le=36_525)
    delivery_retention_days: float | None = Field(default=None, gt=0, le=36_525)
    export_retention_days: float = Field(default=7, gt=0, le=3_650)
    image_retention_hours: float = Field(default=24, gt=0)
    oplog_mib: int = Field(default=2048, ge=990)
    webhook_allow_private: bool = False
    smtp_url: Annotated[SecretStr, AfterValidator(_validate_smtp_url)] | None = None
    email_from: str = "segments@localhost"
    unsubscribe_url: Annotated[str, AfterValidator(_validate_unsubscribe_url)] | None = None
    dashboard_bundle: Path | None = None
    graphiql_bundle: Path | None = None
    log_format: Literal["console", "json"] = "console"
