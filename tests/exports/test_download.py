"""The download of an export over a real server."""

import asyncio
import gzip
import random
import re
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
import pytest_asyncio
import structlog

from app.domain.ids import EntityKind
from app.services.exports.download_urls import DownloadUrls
from app.store.ids import new_id
from tests.api import Api
from tests.exports.export_shop import ExportShop
from tests.exports.stored_file import download_path, store_file
from tests.patience import PATIENCE_SECONDS, until
from tests.server import running_server

pytestmark = pytest.mark.asyncio(loop_scope="module")

CONTENT = b"".join(b"c-%d,Ada %d,=%d\r\n" % (n, n * n, n) for n in range(40_000))
LENGTH = len(CONTENT)
# More than the buffers of a connection hold.
LARGE_FILE_BYTES = 64 * 1024 * 1024
IDENTITY = {"Accept-Encoding": "identity"}
SECONDS = timedelta(seconds=1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(api: Api) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        running_server(api.app) as address,
        httpx.AsyncClient(base_url=f"http://{address}") as client,
    ):
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def path(api: Api) -> str:
    return download_path(api, await store_file(api.services.store, CONTENT))


async def fetch_raw(
    client: httpx.AsyncClient, path: str, **headers: str
) -> tuple[httpx.Response, bytes]:
    """Returns the response and its body as it was sent."""
    async with client.stream("GET", path, headers=headers) as response:
        return response, b"".join([chunk async for chunk in response.aiter_raw()])


async def test_the_whole_file(client: httpx.AsyncClient, path: str) -> None:
    response = await client.get(path, headers=IDENTITY)
    assert response.content == CONTENT
    assert response.status_code == 200
    headers = dict(response.headers)
    for name in ("date", "x-request-id"):
        headers.pop(name)
    export_id = path.split("/")[2]
    assert headers == {
        "accept-ranges": "bytes",
        "cache-control": "private, no-store",
        "content-disposition": "attachment; filename=\"members.csv\"; filename*=UTF-8''members.csv",
        "content-length": str(LENGTH),
        "content-type": "text/csv; charset=utf-8",
        "etag": f'"{export_id}"',
        "server": headers["server"],
        "vary": "Accept-Encoding",
        "x-content-type-options": "nosniff",
    }


async def test_ndjson_and_an_empty_file(api: Api, client: httpx.AsyncClient) -> None:
    file_id = await store_file(api.services.store, b"", "members.ndjson")
    for encoding in ("identity", "gzip"):
        response = await client.get(
            download_path(api, file_id), headers={"Accept-Encoding": encoding}
        )
        assert (response.status_code, response.content) == (200, b"")
        assert response.headers["content-type"] == "application/x-ndjson"
    response = await client.get(download_path(api, file_id), headers={"Range": "bytes=0-"})
    assert (response.status_code, response.headers["content-range"]) == (416, "bytes */0")


@pytest.mark.parametrize(
    ("accept", "is_compressed"),
    [
        ("gzip", True),
        ("deflate, gzip;q=0.5, br", True),
        ("X-GZIP", True),
        ("*", True),
        ("gzip; q=1.0, identity;q=0.5", True),
        ("gzip;q=0", False),
        ("gzip;q=0, *", False),
        ("gzip;q=0.3, identity;q=0.7", False),
        ("br", False),
        ("", False),
        ("gzippy", False),
    ],
)
async def test_gzip(client: httpx.AsyncClient, path: str, accept: str, is_compressed: bool) -> None:
    response, body = await fetch_raw(client, path, **{"Accept-Encoding": accept})
    assert response.status_code == 200
    assert response.headers.get("content-encoding") == ("gzip" if is_compressed else None)
    assert (gzip.decompress(body) if is_compressed else body) == CONTENT
    assert response.headers["vary"] == "Accept-Encoding"
    assert ("content-length" in response.headers) is not is_compressed
    assert ("accept-ranges" in response.headers) is not is_compressed
    assert response.headers["etag"].endswith('-gzip"') is is_compressed


@pytest.mark.parametrize(
    ("header", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-99", 0, 100),
        ("bytes=261119-261121", 261119, 261122),
        ("bytes=500000-", 500000, LENGTH),
        ("bytes=-7", LENGTH - 7, LENGTH),
        (f"bytes=-{LENGTH + 5}", 0, LENGTH),
        (f"bytes=5-{LENGTH + 5}", 5, LENGTH),
        ("Bytes=1-2", 1, 3),
    ],
)
async def test_a_range(
    client: httpx.AsyncClient, path: str, header: str, start: int, end: int
) -> None:
    """A range is never compressed."""
    response, body = await fetch_raw(client, path, Range=header)
    assert response.status_code == 206
    assert body == CONTENT[start:end]
    assert response.headers["content-range"] == f"bytes {start}-{end - 1}/{LENGTH}"
    assert response.headers["content-length"] == str(end - start)
    assert "content-encoding" not in response.headers


@pytest.mark.parametrize(
    "header",
    [
        "bytes=0-1,5-6",
        "bytes=-",
        "bytes=5-2",
        "items=0-1",
        "bytes=a-b",
        "bytes=" + "9" * 5000 + "-",
    ],
)
async def test_a_range_that_is_ignored(client: httpx.AsyncClient, path: str, header: str) -> None:
    response = await client.get(path, headers={"Range": header, **IDENTITY})
    assert (response.status_code, response.content) == (200, CONTENT)


@pytest.mark.parametrize("header", [f"bytes={LENGTH}-", "bytes=-0", f"bytes={10**17}-"])
async def test_a_range_behind_the_end(client: httpx.AsyncClient, path: str, header: str) -> None:
    response = await client.get(path, headers={"Range": header})
    assert response.status_code == 416
    assert response.headers["content-range"] == f"bytes */{LENGTH}"


async def test_a_download_is_resumed(client: httpx.AsyncClient, path: str) -> None:
    entity_tag = (await client.head(path, headers=IDENTITY)).headers["etag"]
    range_ = {"Range": "bytes=1000-"}
    response = await client.get(path, headers={**range_, "If-Range": entity_tag})
    assert (response.status_code, response.content) == (206, CONTENT[1000:])
    for other in ('"other"', f"W/{entity_tag}", "Sat, 28 Nov 2026 10:00:00 GMT"):
        response = await client.get(path, headers={**range_, "If-Range": other})
        assert (response.status_code, response.content) == (200, CONTENT)
    compressed_tag = (await client.get(path)).headers["etag"]
    response = await client.get(path, headers={**range_, "If-Range": compressed_tag})
    assert (response.status_code, response.content) == (200, CONTENT)


async def test_a_known_file_is_not_sent_again(client: httpx.AsyncClient, path: str) -> None:
    for accept in ("identity", "gzip"):
        headers = {"Accept-Encoding": accept}
        entity_tag = (await client.head(path, headers=headers)).headers["etag"]
        for header in (entity_tag, f'"x", W/{entity_tag}', "*"):
            response = await client.get(path, headers={**headers, "If-None-Match": header})
            assert (response.status_code, response.content) == (304, b"")
            assert response.headers["etag"] == entity_tag
            assert response.headers["cache-control"] == "private, no-store"
            # The condition comes before the range, also before one that can't be met.
            if accept == "identity":
                headers_with_range = {
                    **headers,
                    "If-None-Match": header,
                    "Range": "bytes=10000000-",
                }
                assert (await client.get(path, headers=headers_with_range)).status_code == 304
        for header in ('"x"', '"x-gzip"', entity_tag.strip('"')):
            response = await client.get(path, headers={**headers, "If-None-Match": header})
            assert response.status_code == 200


async def test_head(client: httpx.AsyncClient, path: str) -> None:
    for accept in ("identity", "gzip"):
        headers = {"Accept-Encoding": accept, "Range": "bytes=0-5"}
        response = await client.head(path, headers=headers)
        full_response, _ = await fetch_raw(client, path, **{"Accept-Encoding": accept})
        for header in ("content-length", "content-type", "content-encoding", "etag"):
            assert response.headers.get(header) == full_response.headers.get(header)
        assert (response.status_code, response.content) == (200, b"")


async def test_other_methods_and_hosts(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.post(path)).status_code == 405
    assert (await client.get(path, headers={"Host": "evil.example"})).status_code == 421


async def test_a_wrong_signature(api: Api, client: httpx.AsyncClient, path: str) -> None:
    """Whether or not the export exists."""
    _, exports, export_id, expiry, signature = path.split("/")
    changed = ("B" if signature[5] == "A" else "A").join((signature[:5], signature[6:]))
    other_id = new_id(EntityKind.EXPORT)
    wrong_parts = [
        (export_id, expiry, changed),
        (export_id, expiry, signature[:-1]),
        (export_id, expiry, f"{signature}="),
        (export_id, expiry, "%F0%9F%98%80"),
        (export_id, expiry, "%ED%A0%80"),
        (export_id, str(int(expiry) + 1), signature),
        (export_id, f"0{expiry}", signature),
        (export_id, "never", signature),
        (other_id, expiry, signature),
    ]
    for parts in wrong_parts:
        response = await client.get("/".join((f"/{exports}", *parts)))
        assert response.status_code == 403, parts
        assert response.headers["cache-control"] == "private, no-store"
    assert (await client.get(path)).status_code == 200
    assert (await client.get(f"/exports/{export_id}")).status_code == 404


async def test_an_expired_url_and_a_deleted_file(api: Api, client: httpx.AsyncClient) -> None:
    file_id = await store_file(api.services.store, b"x")
    assert (await client.get(download_path(api, file_id, -SECONDS))).status_code == 410
    assert (await client.get(download_path(api, file_id))).status_code == 200
    await api.services.store.export_files.delete(file_id)
    response = await client.get(download_path(api, file_id))
    assert response.status_code == 410
    assert response.text == "The file of this export has expired. Export the segment again.\n"


@pytest.mark.parametrize("accept", ["identity", "gzip"])
async def test_a_file_deleted_during_its_download(
    api: Api, client: httpx.AsyncClient, accept: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The client sees that its download is not complete; the log has a line without traceback."""
    content = random.Random(1).randbytes(LARGE_FILE_BYTES)
    file_id = await store_file(api.services.store, content)
    headers = {"Accept-Encoding": accept}
    with structlog.testing.capture_logs() as logs, caplog.at_level("ERROR", "uvicorn.error"):
        async with client.stream("GET", download_path(api, file_id), headers=headers) as response:
            assert response.status_code == 200
            await api.services.store.export_files.delete(file_id)
            with pytest.raises(httpx.RemoteProtocolError):
                await response.aread()
    assert [entry["event"] for entry in logs] == ["a download of an export was cut off"]
    assert not [record for record in caplog.records if record.exc_info]


async def test_a_client_that_does_not_read_and_leaves(api: Api, client: httpx.AsyncClient) -> None:
    """The server reads only what the connection takes, and stops with it."""
    file_id = await store_file(api.services.store, bytes(LARGE_FILE_BYTES))
    api.database.command("profile", 2, filter={"ns": f"{api.database.name}.exportFiles.chunks"})

    def count_reads() -> int:
        return api.database.get_collection("system.profile").count_documents({"op": "query"})

    try:
        host, port = str(client.base_url.netloc.decode()).split(":")
        reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
        request = f"GET {download_path(api, file_id)} HTTP/1.1\r\nHost: {host}\r\n\r\n"
        writer.write(request.encode())
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        read_count = await wait_until_constant(count_reads)
        assert 0 < read_count < 200
        writer.transport.abort()
        await until(lambda: not request_tasks())
        assert count_reads() <= read_count + 1
    finally:
        api.database.command("profile", 0)
        await api.services.store.export_files.delete(file_id)


def request_tasks() -> list[Any]:
    return [task for task in asyncio.all_tasks() if "run_asgi" in repr(task.get_coro())]


async def wait_until_constant(count: Callable[[], int], seconds: float = 0.5) -> int:
    """Returns the count once it has not changed for the time."""
    last_count, changed_at = count(), monotonic()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while monotonic() - changed_at < seconds:
            await asyncio.sleep(0.05)
            if (current_count := count()) != last_count:
                last_count, changed_at = current_count, monotonic()
    return last_count


async def test_the_file_name_survives(api: Api, client: httpx.AsyncClient) -> None:
    name = "Łódź 😀 «50%» 'a' 2026-11-28.csv"
    file_id = await store_file(api.services.store, b"x", name)
    header = (await client.get(download_path(api, file_id))).headers["content-disposition"]
    match = re.fullmatch(
        r"attachment; filename=\"([^\"\\%]+)\"; filename\*=UTF-8''([!-~]+)", header
    )
    assert match, header
    assert match[1].isascii()
    assert match[1].endswith(" 2026-11-28.csv")
    assert unquote(match[2]) == name


async def test_the_server_says_that_it_has_no_key(api: Api, path: str) -> None:
    urls = api.services.download_urls
    api.services.download_urls = DownloadUrls(None)
    try:
        response = await api.http_client.get(path)
    finally:
        api.services.download_urls = urls
    assert response.status_code == 503
    assert "SEGMENTS_SECRET_KEY" in response.text


async def test_an_export_is_downloaded_from_its_url(api: Api, client: httpx.AsyncClient) -> None:
    shop = ExportShop(api)
    await api.upsert("download-1", name="Ada")
    condition = {"path": "sourceId", "operator": "IS", "value": "download-1"}
    segment_id = await shop.create_segment("Łódź/1", {"attribute": condition})
    export_id = await shop.start(segment_id, format="NDJSON")
    query = {"query": f'{{ export(id: "{export_id}") {{ url expiresAt }} }}'}
    response = await client.post("/graphql", json=query)
    assert response.json()["data"]["export"] == {"url": None, "expiresAt": None}
    await shop.write_pending()
    response = await client.post("/graphql", json=query)
    url = response.json()["data"]["export"]["url"]
    assert url.startswith(
        f"{client.base_url}/exports/{export_id}/".replace("//exports", "/exports")
    )
    response = await client.get(url)
    assert response.json() == {"sourceId": "download-1", "name": "Ada"}
    assert response.headers["content-type"] == "application/x-ndjson"
    today = datetime.now(UTC).date()
    disposition = response.headers["content-disposition"]
    assert unquote(disposition).endswith(f"''Łódź_1 {today}.ndjson")

    api.database.exports.update_one({}, {"$set": {"expiresAt": datetime.now(UTC) - SECONDS}})
    response = await client.post("/graphql", json=query)
    assert response.json()["data"]["export"]["url"] is None
    await api.services.export_worker.sweep()
    assert (await client.get(url)).status_code == 410
