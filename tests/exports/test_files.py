"""Files of exports: what is written in pieces is what GridFS's own reader reads."""

import random
from typing import Any

import gridfs
import pytest
from bson import ObjectId
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorGridFSBucket

from app.domain.ids import EntityKind
from app.errors import ExportFileGone
from app.settings import Settings
from app.store import Store, Transaction
from app.store.export_files import CHUNK_BYTES, ExportFile
from app.store.ids import new_id, to_object_id
from tests.api import Api

BUCKET_NAME = "exportFiles"


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def store(api: Api) -> Store:
    return api.services.store


async def append(store: Store, file_id: str, offset: int, data: bytes) -> None:
    async def work(transaction: Transaction) -> None:
        await store.export_files.append(file_id, offset, data, transaction)

    await store.transaction(work)


async def finish(store: Store, file_id: str, length: int) -> None:
    async def work(transaction: Transaction) -> None:
        await store.export_files.finish(file_id, length, "members.csv", transaction)

    await store.transaction(work)


async def read(file: ExportFile, start: int, end: int) -> bytes:
    return b"".join([chunk async for chunk in file.read(start, end)])


def file_key(file_id: str) -> ObjectId:
    key = to_object_id(EntityKind.EXPORT, file_id)
    assert key
    return key


def read_with_pymongo(database: Any, file_id: str) -> bytes:
    bucket = gridfs.GridFSBucket(database, BUCKET_NAME)
    with bucket.open_download_stream(file_key(file_id)) as stream:
        assert stream.filename == "members.csv"
        assert stream.upload_date is not None
        return bytes(stream.read())


@pytest.mark.parametrize(
    "piece_lengths",
    [
        [],
        [1],
        [0, 5, 0],
        [CHUNK_BYTES],
        [CHUNK_BYTES - 1, 1, 1],
        [CHUNK_BYTES, CHUNK_BYTES, 3],
        [10, 3 * CHUNK_BYTES, 2 * CHUNK_BYTES - 10],
        [100_000] * 12,
        [2_500_000, 1, 700_000],
    ],
)
async def test_pieces_make_the_file(store: Store, api: Api, piece_lengths: list[int]) -> None:
    file_id, other_id = new_id(EntityKind.EXPORT), new_id(EntityKind.EXPORT)
    await append(store, other_id, 0, b"other")
    content = random.Random(1).randbytes(sum(piece_lengths))
    offset = 0
    for length in piece_lengths:
        await append(store, file_id, offset, content[offset : offset + length])
        offset += length
    assert await store.export_files.open(file_id) is None
    await finish(store, file_id, offset)

    assert read_with_pymongo(api.database, file_id) == content
    motor_database: Any = AsyncIOMotorClient(mongo_url(api.settings))[api.settings.database]
    motor_bucket = AsyncIOMotorGridFSBucket(motor_database, BUCKET_NAME)
    motor_stream = await motor_bucket.open_download_stream(file_key(file_id))
    assert await motor_stream.read() == content
    motor_database.client.close()

    file = await store.export_files.open(file_id)
    assert file is not None
    assert (file.length, file.filename) == (len(content), "members.csv")
    edges = {0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, offset // 2, offset - 1, offset}
    edges = {edge for edge in edges if 0 <= edge <= offset}
    for start in edges:
        for end in edges:
            if start <= end:
                assert await read(file, start, end) == content[start:end]
    lengths = [len(chunk) async for chunk in file.read(0, offset)]
    assert max(lengths, default=0) <= CHUNK_BYTES


def mongo_url(settings: Settings) -> str:
    assert settings.mongodb_url
    return settings.mongodb_url.get_secret_value()


@pytest.mark.parametrize("offset", [0, 1, 100, CHUNK_BYTES, CHUNK_BYTES + 7, 2 * CHUNK_BYTES + 500])
async def test_an_append_replaces_what_follows(store: Store, api: Api, offset: int) -> None:
    """As when a worker takes an export up at its last checkpoint."""
    file_id = new_id(EntityKind.EXPORT)
    content = random.Random(2).randbytes(2 * CHUNK_BYTES + 500)
    await append(store, file_id, 0, content)
    for _ in range(2):
        await append(store, file_id, offset, b"new")
    await finish(store, file_id, offset + 3)
    assert read_with_pymongo(api.database, file_id) == content[:offset] + b"new"


async def test_a_gap_is_refused(store: Store) -> None:
    file_id = new_id(EntityKind.EXPORT)
    await append(store, file_id, 0, b"abc")
    for offset in (4, CHUNK_BYTES, CHUNK_BYTES + 1):
        with pytest.raises(ValueError, match="shorter"):
            await append(store, file_id, offset, b"x")


async def test_an_aborted_append_changes_nothing(store: Store, api: Api) -> None:
    file_id = new_id(EntityKind.EXPORT)
    await append(store, file_id, 0, b"abc")

    async def work(transaction: Transaction) -> None:
        await store.export_files.append(file_id, 1, b"x" * 2 * CHUNK_BYTES, transaction)
        await store.export_files.finish(file_id, 5, "members.csv", transaction)
        raise LookupError

    with pytest.raises(LookupError):
        await store.transaction(work)
    assert await store.export_files.open(file_id) is None
    await finish(store, file_id, 3)
    assert read_with_pymongo(api.database, file_id) == b"abc"


async def test_delete(store: Store, api: Api) -> None:
    database = api.database
    kept_id, deleted_id, unfinished_id = (new_id(EntityKind.EXPORT) for _ in range(3))
    for file_id, length in ((kept_id, 5), (deleted_id, 70 * CHUNK_BYTES), (unfinished_id, 9)):
        await append(store, file_id, 0, b"x" * length)
        if file_id != unfinished_id:
            await finish(store, file_id, length)
    file = await store.export_files.open(deleted_id)
    assert file
    chunks = file.read(0, file.length)
    await anext(chunks)
    for file_id in (deleted_id, unfinished_id, deleted_id):
        await store.export_files.delete(file_id)
    assert await store.export_files.open(deleted_id) is None
    with pytest.raises(ExportFileGone):
        await anext(chunks)
    assert read_with_pymongo(database, kept_id) == b"xxxxx"
    keys = [file_key(deleted_id), file_key(unfinished_id)]
    assert database[f"{BUCKET_NAME}.chunks"].count_documents({"files_id": {"$in": keys}}) == 0
    assert database[f"{BUCKET_NAME}.files"].count_documents({"_id": {"$in": keys}}) == 0


async def test_ids_of_other_kinds_have_no_file(store: Store) -> None:
    for id_ in ("", "x", new_id(EntityKind.CUSTOMER)):
        assert await store.export_files.open(id_) is None
