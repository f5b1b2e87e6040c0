"""Webhooks do not reach into the deployment's own network."""

import ipaddress
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.domain.deliveries import Outcome, WebhookRequest
from app.local.mongod import Mongod
from app.local.valkey import Valkey
from app.services.deliveries import network_guard
from app.services.deliveries.network_guard import is_public
from app.services.deliveries.signing import new_secret
from app.services.deliveries.webhook_client import WebhookClient
from tests.api import running_api
from tests.deliveries.distribution_client import CREATE, DistributionClient
from tests.deliveries.receiver import Receiver

PRIVATE = [
    *("127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1"),
    *("169.254.169.254", "100.64.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1"),
    *("198.18.0.1", "::1", "::", "fe80::1", "fc00::1", "ff02::1", "2001:db8::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "::7f00:1"),
    *("fe80::1%eth0", "64:ff9b:1::1", "2001::1"),
]
PUBLIC = ["1.1.1.1", "8.8.8.8", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_recognized(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_recognized(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.fixture
async def strict_client(mongod: Mongod, valkey: Valkey) -> AsyncIterator[DistributionClient]:
    async with running_api(mongod, valkey) as api:
        yield DistributionClient(api)


async def test_a_private_address_is_refused_at_the_creation(
    strict_client: DistributionClient,
) -> None:
    segment = await strict_client.create_segment("Everybody")
    for host in ("127.0.0.1", "2130706433", "0x7f.1", "localhost", "[::1]", "10.1.2.3"):
        channel = {"webhook": {"url": f"http://{host}:8000/"}}
        errors = await strict_client.api.list_errors(
            CREATE, input={"name": "x", "segmentId": segment, "channel": channel}
        )
        # A number as the host is resolved as a name, and refused when it is connected to.
        is_number = host in ("2130706433", "0x7f.1")
        assert errors == ([] if is_number else ["INVALID input channel webhook url"]), host


async def send(url: str) -> Any:
    async with WebhookClient(allow_private=False, max_connections=1) as webhook_client:
        return await webhook_client.send("id", WebhookRequest(url, {}, b"{}"), [new_secret()])


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1"])
async def test_a_private_address_is_refused_when_connecting(receiver: Receiver, host: str) -> None:
    result = await send(receiver.url(host=host))

    assert result.outcome is Outcome.RETRY
    assert "is an address of a private network" in result.error
    assert receiver.requests == []


async def test_the_checked_address_is_the_one_that_is_connected_to(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that resolves to a public address first and to a private one later reaches nothing."""
    answers = [["203.0.113.9", "127.0.0.1"], ["127.0.0.1"]]
    lookups = []

    def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        lookups.append(host)
        addresses = answers[min(len(lookups), len(answers)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    for _ in range(2):
        result = await send(receiver.url(host="rebinding.example"))
        assert "is an address of a private network" in result.error
    assert receiver.requests == []


async def test_one_lookup_serves_the_check_and_the_connection(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_getaddrinfo, lookups = socket.getaddrinfo, []

    def getaddrinfo(host: str, *args: Any, **options: Any) -> Any:
        lookups.append(host)
        return real_getaddrinfo("127.0.0.1", *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(network_guard, "is_public", lambda _: True)
    result = await send(receiver.url(host="shop.example"))

    assert result.outcome is Outcome.DELIVERED
    assert lookups[0] == "shop.example"
    assert "shop.example" not in lookups[1:]
    (request,) = receiver.requests
    assert request.headers["host"] == f"shop.example:{receiver.port}"
