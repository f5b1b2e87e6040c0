"""The connection to MongoDB, and how its documents are read."""

from typing import Any

from bson import CodecOptions
from bson.codec_options import DatetimeConversion
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import monitoring

from app.store.operation_killer import OperationKiller

# Other programs may write values that Python can't hold. Dates out of range become the nearest
# valid date, and bytes that are not UTF-8 become the replacement character.
CODEC_OPTIONS: CodecOptions[dict[str, Any]] = CodecOptions(
    tz_aware=True,
    datetime_conversion=DatetimeConversion.DATETIME_CLAMP,
    unicode_decode_error_handler="replace",
)

# Long enough for an election with MongoDB's default timeouts, which takes about 12 seconds.
_SERVER_SELECTION_TIMEOUT_MILLISECONDS = 20_000
# The driver's monitor checks each member once per heartbeat interval. A member that does not answer
# within the connection timeout counts as lost, and the driver closes its sockets.
_CONNECT_TIMEOUT_MILLISECONDS = 3_000
_HEARTBEAT_INTERVAL_MILLISECONDS = 1_000


def connect(url: str) -> AsyncIOMotorClient[Any]:
    """Returns a client with majority read and write concern, so that no election rolls back
    anything that it has read.

    Sockets have no timeout: reads limit their time with maxTimeMS. The client abandons a member
    that hangs after at most four seconds. MongoDB ends the reads of a task that is cancelled.
    """
    stale_connections, operation_killer = _StaleConnections(), OperationKiller()
    client: AsyncIOMotorClient[Any] = AsyncIOMotorClient(
        url,
        event_listeners=[stale_connections, operation_killer],
        appname="customer-segments",
        serverSelectionTimeoutMS=_SERVER_SELECTION_TIMEOUT_MILLISECONDS,
        connectTimeoutMS=_CONNECT_TIMEOUT_MILLISECONDS,
        heartbeatFrequencyMS=_HEARTBEAT_INTERVAL_MILLISECONDS,
        readConcernLevel="majority",
        w="majority",
    )
    stale_connections.client = client
    operation_killer.attach(client)
    return client


class _StaleConnections(monitoring.ServerListener):
    """Closes the connections to a member that were opened before it could be read.

    The driver learns at the handshake whether the member supports sessions, and does not ask again
    on that connection. A member that has just started does not support sessions yet. Without this
    class the driver would refuse each transaction that later gets such a connection from the pool.
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
