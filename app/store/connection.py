"""The connection to MongoDB, and how its documents are read."""

from typing import Any

from bson import CodecOptions
from bson.codec_options import DatetimeConversion
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import monitoring

# What others wrote past the program may not be readable as it is: dates that Python can't hold
# become the nearest that it can, and bytes that are no UTF-8 become the replacement character.
CODEC_OPTIONS: CodecOptions[dict[str, Any]] = CodecOptions(
    tz_aware=True,
    datetime_conversion=DatetimeConversion.DATETIME_CLAMP,
    unicode_decode_error_handler="replace",
)

# Long enough for an election with MongoDB's default timeouts, which takes about 12 seconds.
_SERVER_SELECTION_TIMEOUT_MILLISECONDS = 20_000
# The driver's monitor expects an answer of each member once per heartbeat. It takes a member that
# is late by the connection timeout for lost, and closes the sockets on which calls wait for it.
_CONNECT_TIMEOUT_MILLISECONDS, _HEARTBEAT_INTERVAL_MILLISECONDS = 3_000, 1_000


def connect(url: str) -> AsyncIOMotorClient[Any]:
    """A client that reads and writes what the majority of the members have: nothing that it has
    seen is rolled back by an election.

    Sockets have no timeout of their own: questions and the change stream wait for MongoDB as long
    as they say by maxTimeMS. A member that hangs is left after at most four seconds.
    """
    stale_connections = _StaleConnections()
    client: AsyncIOMotorClient[Any] = AsyncIOMotorClient(
        url,
        event_listeners=[stale_connections],
        appname="customer-segments",
        serverSelectionTimeoutMS=_SERVER_SELECTION_TIMEOUT_MILLISECONDS,
        connectTimeoutMS=_CONNECT_TIMEOUT_MILLISECONDS,
        heartbeatFrequencyMS=_HEARTBEAT_INTERVAL_MILLISECONDS,
        readConcernLevel="majority",
        w="majority",
    )
    stale_connections.client = client
    return client


class _StaleConnections(monitoring.ServerListener):
    """Closes the connections to a member that were opened before it could be read.

    The driver notes at the handshake whether the member knows sessions, and never asks again on
    that connection. A member that has just started knows none yet: the driver would refuse each
    transaction that later meets the connection in its pool.
    """

    def __init__(self) -> None:
        self.client: AsyncIOMotorClient[Any] | None = None

    def opened(self, event: monitoring.ServerOpeningEvent) -> None:
        pass

    def closed(self, event: monitoring.ServerClosedEvent) -> None:
        pass

    def description_changed(self, event: monitoring.ServerDescriptionChangedEvent) -> None:
        if event.previous_description.is_readable or not event.new_description.is_readable:
            return
        # PyMongo has no public call for this.
        if self.client and (topology := self.client.delegate._topology):
            server = topology._servers.get(event.server_address)
            if server:
                server.pool.reset_without_pause()
