"""Files of exports in GridFS, in the bucket `exportFiles`.

A file grows by transactions, so that it always ends where the checkpoint of its export says. It
exists for readers once its document in `exportFiles.files` is written, at the end. The id of the
file is that of its export. Any tool that reads GridFS can read the files.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from bson import Int64, ObjectId
from motor.motor_asyncio import AsyncIOMotorClientSession

from app.domain.ids import EntityKind
from app.errors import ExportFileGone
from app.store.collections import EXPORT_CHUNKS_COLLECTION, EXPORT_FILES_COLLECTION, Database
from app.store.ids import to_object_id
from app.store.reads import retry_read

# GridFS's default. A chunk fits with its overhead into a power of two.
CHUNK_BYTES = 255 * 1024
# About 16 MB of data.
_CHUNKS_PER_DELETE = 64


class ExportFiles:
    """Appends to the files of exports, reads and deletes them."""

    def __init__(self, database: Database) -> None:
        self._files = database[EXPORT_FILES_COLLECTION]
        self._chunks = database[EXPORT_CHUNKS_COLLECTION]

    async def append(
        self, file_id: str, offset: int, data: bytes, transaction: AsyncIOMotorClientSession
    ) -> None:
        """Writes `data` at `offset`, which must be in the file or at its end. The file then ends
        after it. Raises ValueError if the file is shorter than `offset`."""
        file_key = _to_key(file_id)
        first_number, kept_bytes = divmod(offset, CHUNK_BYTES)
        if offset:
            last_chunk = await self._chunks.find_one(
                {"files_id": file_key, "n": (offset - 1) // CHUNK_BYTES}, session=transaction
            )
            last_data = last_chunk["data"] if last_chunk else b""
            if len(last_data) < (kept_bytes or CHUNK_BYTES):
                raise ValueError(f"the file {file_id} is shorter than {offset} bytes")
            data = last_data[:kept_bytes] + data
        await self._chunks.delete_many(
            {"files_id": file_key, "n": {"$gte": first_number}}, session=transaction
        )
        chunks = [
            {
                "files_id": file_key,
                "n": first_number + index,
                "data": data[start : start + CHUNK_BYTES],
            }
            for index, start in enumerate(range(0, len(data), CHUNK_BYTES))
        ]
        if chunks:
            await self._chunks.insert_many(chunks, session=transaction)

    async def finish(
        self, file_id: str, length: int, filename: str, transaction: AsyncIOMotorClientSession
    ) -> None:
        """Makes the file exist for readers. `length` is its number of bytes."""
        await self._files.update_one(
            {"_id": _to_key(file_id)},
            {
                "$set": {
                    "length": Int64(length),
                    "chunkSize": CHUNK_BYTES,
                    "filename": filename,
                },
                "$currentDate": {"uploadDate": True},
            },
            upsert=True,
            session=transaction,
        )

    async def delete(self, file_id: str) -> None:
        """Deletes the file, whether it is finished or not, in batches. A file that does not exist
        is no error. Must not run while the file grows."""
        file_key = _to_key(file_id)
        await self._files.delete_one({"_id": file_key})
        while True:
            cursor = self._chunks.find({"files_id": file_key}, {"_id": 1})
            chunks = await cursor.limit(_CHUNKS_PER_DELETE).to_list(None)
            if not chunks:
                return
            await self._chunks.delete_many({"_id": {"$in": [chunk["_id"] for chunk in chunks]}})

    async def open(self, file_id: str) -> "ExportFile | None":
        """Returns a finished file; None if there is none with this id."""
        file_key = to_object_id(EntityKind.EXPORT, file_id)
        if file_key is None:
            return None
        row = await retry_read(lambda: self._files.find_one({"_id": file_key}))
        return ExportFile(self, file_key, row["length"], row["filename"]) if row else None

    async def read_chunk(self, file_key: ObjectId, number: int) -> bytes:
        """Returns the data of a chunk. Raises ExportFileGone if it does not exist."""
        # One look-up for each chunk: a cursor would expire while a client pauses its download.
        chunk = await retry_read(
            lambda: self._chunks.find_one({"files_id": file_key, "n": number}, {"data": 1})
        )
        if chunk is None:
            raise ExportFileGone("The file of the export was deleted.")
        data: bytes = chunk["data"]
        return data


@dataclass(frozen=True, slots=True)
class ExportFile:
    """A finished file. `length` is its number of bytes."""

    files: ExportFiles
    key: ObjectId
    length: int
    filename: str

    async def read(self, start: int, end: int) -> AsyncIterator[bytes]:
        """Yields the bytes from `start` up to `end`, without `end` itself, in chunks of at most
        255 KiB. Holds one chunk at a time. Raises ExportFileGone if the file is deleted
        meanwhile."""
        for number in range(start // CHUNK_BYTES, -(-end // CHUNK_BYTES)):
            data = await self.files.read_chunk(self.key, number)
            chunk_start = number * CHUNK_BYTES
            yield data[max(start - chunk_start, 0) : end - chunk_start]


def _to_key(file_id: str) -> ObjectId:
    file_key = to_object_id(EntityKind.EXPORT, file_id)
    assert file_key is not None, file_id
    return file_key
