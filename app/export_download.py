"""The endpoint `/exports/ID/EXPIRY/SIGNATURE`: the file of an export, for anyone with its URL.

A file never changes, so that its entity tag follows from its id, and an interrupted download can be
resumed with Range. A client that accepts gzip gets the file compressed, except for a range.
"""

import asyncio
import re
import unicodedata
import zlib
from collections.abc import AsyncIterator
from urllib.parse import quote

import structlog
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Send

from app.client_disconnect import ClientDisconnected, await_while_connected, disconnect_waiter
from app.errors import ExportFileGone, SetupError
from app.http_conditions import (
    ByteRange,
    UnsatisfiableRange,
    accepts_gzip,
    matches_any,
    parse_range,
)
from app.services import Services
from app.services.exports.download_urls import UrlState
from app.store import ReadTimeout, Unreachable
from app.store.export_files import ExportFile

log = structlog.get_logger()

_HEADERS = {
    "Cache-Control": "private, no-store",
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
}
_MEDIA_TYPES = {"csv": "text/csv; charset=utf-8", "ndjson": "application/x-ndjson"}
_DEFAULT_MEDIA_TYPE = "application/octet-stream"
_OPEN_SECONDS = 30
# Text shrinks to about a third; higher levels take twice the time for a few percent.
_GZIP_LEVEL = 5
_GZIP_WINDOW_BITS = 16 + zlib.MAX_WBITS
_HTTP_SCHEMES = {"ws": "http", "wss": "https"}
# What RFC 8187 allows unquoted besides letters and digits.
_UNQUOTED_CHARACTERS = "!#$&+-.^_`|~"


def download_base(connection: HTTPConnection) -> str:
    """Returns the scheme and the host that a client uses: the base of its download URLs."""
    url = connection.base_url
    return str(url.replace(scheme=_HTTP_SCHEMES.get(url.scheme, url.scheme))).rstrip("/")


async def _download(request: Request) -> Response:
    """Responds with 403 if the signature is wrong, and with 410 if the URL has expired or the file
    has been deleted."""
    services: Services = request.app.state.services
    export_id = request.path_params["export_id"]
    try:
        url_state = services.download_urls.verify(
            export_id,
            request.path_params["expiry"],
            request.path_params["signature"],
            services.now().at,
        )
    except SetupError as error:
        return _error(503, str(error))
    if url_state is UrlState.FORGED:
        return _error(403, "The signature of this URL is wrong. Copy the whole URL of the export.")
    file = None
    if url_state is UrlState.VALID:
        try:
            file = await await_while_connected(
                services.store.export_files.open(export_id),
                disconnect_waiter(request.receive),
                _OPEN_SECONDS,
            )
        except ClientDisconnected:
            # Nobody receives it.
            return Response()
        except (Unreachable, ReadTimeout, TimeoutError):
            return _error(503, "The database can't be reached at present; try again.")
    if file is None:
        return _error(410, "The file of this export has expired. Export the segment again.")
    return _respond(request, export_id, file)


route = Route("/exports/{export_id}/{expiry}/{signature}", _download)


def _error(status: int, message: str, **headers: str) -> Response:
    return PlainTextResponse(f"{message}\n", status, {**_HEADERS, **headers})


def _respond(request: Request, export_id: str, file: ExportFile) -> Response:
    entity_tag = f'"{export_id}"'
    # A client resumes only what it has begun: an If-Range of another entity gets the whole file.
    is_range_requested = (
        request.method == "GET"
        and "range" in request.headers
        and request.headers.get("if-range", entity_tag) == entity_tag
    )
    is_compressed = not is_range_requested and accepts_gzip(request.headers.get("accept-encoding"))
    if is_compressed:
        entity_tag = f'"{export_id}-gzip"'
    headers = {**_HEADERS, "ETag": entity_tag}
    if matches_any(request.headers.get("if-none-match"), entity_tag):
        return Response(status_code=304, headers=headers)
    byte_range: ByteRange | None = None
    if is_range_requested:
        try:
            byte_range = parse_range(request.headers["range"], file.length)
        except UnsatisfiableRange:
            content_range = {"Content-Range": f"bytes */{file.length}"}
            return _error(416, f"The file has {file.length} bytes.", **content_range)
    headers["Content-Disposition"] = content_disposition(file.filename)
    headers["Content-Type"] = _MEDIA_TYPES.get(
        file.filename.rpartition(".")[2], _DEFAULT_MEDIA_TYPE
    )
    start, end = (byte_range.start, byte_range.end) if byte_range else (0, file.length)
    if is_compressed:
        headers["Content-Encoding"] = "gzip"
    else:
        headers["Accept-Ranges"] = "bytes"
        headers["Content-Length"] = str(end - start)
    if byte_range:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{file.length}"
    content = file.read(start, 0 if request.method == "HEAD" else end)
    return _FileResponse(
        _compress(content) if is_compressed else content, 206 if byte_range else 200, headers
    )


class _FileResponse(StreamingResponse):
    """Sends the file. If the rest of it can't be read, it ends before the end of the body: the
    server then closes the connection, so that the client sees that its download is incomplete."""

    async def stream_response(self, send: Send) -> None:
        try:
            await super().stream_response(send)
        except (ExportFileGone, Unreachable, ReadTimeout) as error:
            log.warning("a download of an export was cut off", error=error)


async def _compress(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yields the chunks in gzip. Compresses in a thread: a chunk takes several milliseconds."""
    compressor = zlib.compressobj(_GZIP_LEVEL, wbits=_GZIP_WINDOW_BITS)
    async for chunk in chunks:
        if compressed := await asyncio.to_thread(compressor.compress, chunk):
            yield compressed
    yield compressor.flush()


def content_disposition(filename: str) -> str:
    """Returns the header that makes a browser save the file under its name (RFC 6266).

    `filename` must have no control characters. Old clients read a name in ASCII.
    """
    decomposed = unicodedata.normalize("NFKD", filename)
    without_accents = "".join(
        character for character in decomposed if not unicodedata.combining(character)
    )
    ascii_name = re.sub(r'[^ -~]+|["%\\/]', "_", without_accents)
    encoded_name = quote(filename, safe=_UNQUOTED_CHARACTERS)
    return f"attachment; filename=\"{ascii_name}\"; filename*=UTF-8''{encoded_name}"
