"""HTTP connections that do not reach into the deployment's own network.

The address is checked after the name is resolved, and the connection goes to the checked address,
so that no second look-up can answer differently (DNS rebinding). TLS still uses the name.
"""

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator, Iterable
from functools import cache
from typing import Any

import httpcore
import httpx

from app.services.deliveries.name_resolver import IPAddress, NameResolver

# Of IPv6 addresses that stand for an IPv4 address behind a translator (RFC 6052).
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class PrivateAddressError(httpcore.ConnectError):
    """The host is inside the deployment's own network."""

    def __init__(self, host: str) -> None:
        super().__init__(
            f"{host} is an address of a private network; use a public one, or set"
            " SEGMENTS_WEBHOOK_ALLOW_PRIVATE."
        )


def is_public(address: IPAddress) -> bool:
    """Whether the address is one of the public Internet: not loopback, private, link-local, shared
    (CGNAT), multicast, reserved or unspecified, also not inside of an IPv6 address."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            return False
        if embedded := _embedded_addresses(address):
            return all(map(is_public, embedded))
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not address.is_private
    )


def _embedded_addresses(address: ipaddress.IPv6Address) -> list[ipaddress.IPv4Address]:
    """The IPv4 addresses that packets to the IPv6 address may reach."""
    if address in _NAT64:
        return [ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)]
    teredo = address.teredo or ()
    candidates = (address.ipv4_mapped, address.sixtofour, *teredo)
    return [candidate for candidate in candidates if candidate is not None]


def literal_address(host: str) -> IPAddress | None:
    """The address that a host name is; None if it is a name to resolve."""
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Connects to public addresses only, unless `allow_private`."""

    def __init__(self, *, allow_private: bool) -> None:
        self._backend = httpcore.AnyIOBackend()
        self._resolver = NameResolver()
        self._allow_private = allow_private

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's interface
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connects to one of the host's addresses. Raises PrivateAddressError if any of them is
        not public: an attacker would mix them."""
        addresses = await self._resolve(host, port)
        if not self._allow_private and not all(map(is_public, addresses)):
            raise PrivateAddressError(host)
        failure: Exception | None = None
        for address in addresses:
            try:
                return await self._backend.connect_tcp(
                    str(address), port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore.ConnectError(f"{host} has no address.")

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's interface
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        raise httpcore.ConnectError("Unix sockets are not allowed.")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def _resolve(self, host: str, port: int) -> list[IPAddress]:
        if address := literal_address(host):
            return [address]
        try:
            return await self._resolver.resolve(host, port)
        except OSError as error:
            raise httpcore.ConnectError(f"{host} can't be resolved: {error}") from error


@cache
def _load_ssl_context() -> ssl.SSLContext:
    """Returns the context of all clients. To load the certificates takes about 50 ms."""
    return httpx.create_ssl_context()


class GuardedTransport(httpx.AsyncBaseTransport):
    """A transport of httpx over connections of a GuardedBackend: HTTP/1.1 with keep-alive."""

    def __init__(self, *, allow_private: bool, max_connections: int) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=_load_ssl_context(),
            max_connections=max_connections,
            network_backend=GuardedBackend(allow_private=allow_private),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        response = await self._pool.handle_async_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(
            response.status,
            headers=response.headers,
            stream=_ResponseStream(response),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        await self._pool.aclose()


class _ResponseStream(httpx.AsyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        stream: Any = self._response.stream
        async for part in stream:
            yield part

    async def aclose(self) -> None:
        await self._response.aclose()
