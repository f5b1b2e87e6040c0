"""The program with its worker for exports in this process."""

import csv
import io
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bson import ObjectId

from app.services.exports import ExportSettings, ExportWorker
from app.services.job_queue import NullJobQueue
from tests.api import ALL_CUSTOMERS_FILTER, Api, Json

EXPORT_FIELDS = (
    "id segmentId segmentName fields format status rowsDone rowsTotal url expiresAt error"
    " createdAt finishedAt segment { id }"
)
_CREATE_SEGMENT = (
    "mutation($input: SegmentCreateInput!) { segmentCreate(input: $input)"
    " { segment { id } userErrors { code path message } } }"
)
START_EXPORT = (
    "mutation($input: SegmentExportInput!) { segmentExport(input: $input)"
    f" {{ export {{ {EXPORT_FIELDS} }} userErrors {{ code path message }} }} }}"
)
CANCEL_EXPORT = (
    "mutation($id: ID!) { exportCancel(id: $id)"
    f" {{ export {{ {EXPORT_FIELDS} }} userErrors {{ code path message }} }} }}"
)
_GET_EXPORT = f"query($id: ID!) {{ export(id: $id) {{ {EXPORT_FIELDS} }} }}"


@dataclass
class ExportShop:
    """Creates segments and exports; writes the exports when a test asks for it."""

    api: Api

    async def create_segment(
        self, name: str, filter_: Json = ALL_CUSTOMERS_FILTER, **definition: Any
    ) -> str:
        payload = await self.api.fetch(
            _CREATE_SEGMENT,
            input={"name": name, "definition": definition or {"filter": filter_}},
        )
        assert not payload["userErrors"], payload
        return str(payload["segment"]["id"])

    async def start(self, segment_id: str, **options: Any) -> str:
        payload = await self.api.fetch(START_EXPORT, input={"segmentId": segment_id, **options})
        assert not payload["userErrors"], payload
        return str(payload["export"]["id"])

    async def fetch(self, id_: str) -> Json:
        export: Json = await self.api.fetch(_GET_EXPORT, id=id_)
        return export

    async def cancel(self, id_: str) -> Json:
        payload: Json = await self.api.fetch(CANCEL_EXPORT, id=id_)
        return payload

    async def write_pending(self) -> None:
        """Does the work of a worker until no export waits."""
        await self.api.services.export_worker.run_pending()

    async def write_batch(self) -> None:
        """Does the work of a worker for one batch of the export that has waited longest."""
        # A busy machine may take too long to count the members.
        total = self.api.database.customers.estimated_document_count()
        self.api.database.exports.update_many({"rowsTotal": None}, {"$set": {"rowsTotal": total}})
        await self.run_worker_briefly()

    async def run_worker_briefly(self) -> None:
        """Claims the export that has waited longest, and writes one batch of it."""
        services = self.api.services
        settings = ExportSettings(timedelta(days=7), max_run_seconds=0)
        worker = ExportWorker(
            services.store, services.definitions, services.query_planner, NullJobQueue(), settings
        )
        assert await worker.run_next()

    async def begin(self, segment_id: str, **options: Any) -> str:
        """Starts an export and writes the first batch of it."""
        id_ = await self.start(segment_id, **options)
        await self.write_batch()
        export = await self.fetch(id_)
        assert export["status"] == "IN_PROGRESS"
        assert 0 < export["rowsDone"] < export["rowsTotal"]
        return id_

    def insert_customers(self, number: int, **metadata: Any) -> list[ObjectId]:
        """Adds customers c0, c1, … directly in MongoDB; returns their keys."""
        now = datetime.now(UTC)
        customers = [
            {
                "_id": ObjectId(),
                "sourceId": f"c{n}",
                "metadata": {"number": n, **metadata},
                "createdAt": now,
                "updatedAt": now,
                "version": 1,
            }
            for n in range(number)
        ]
        return list(self.api.database.customers.insert_many(customers).inserted_ids)

    async def export(self, segment_id: str, **options: Any) -> list[list[str]]:
        """Exports a segment; returns the rows of the file, with the header."""
        id_ = await self.start(segment_id, **options)
        await self.write_pending()
        export = await self.fetch(id_)
        assert export["status"] == "DONE", export
        rows = self.read_rows(id_)
        assert export["rowsDone"] == export["rowsTotal"] == len(rows) - 1
        return rows

    def read_rows(self, id_: str) -> list[list[str]]:
        text = self.read_file(id_).decode()
        return list(csv.reader(io.StringIO(text, newline="")))

    def read_file(self, id_: str) -> bytes:
        """Returns the file of a finished export."""
        return read_file(self.api.database, id_)

    def count_chunks(self, id_: str) -> int:
        chunks = self.api.database["exportFiles.chunks"]
        return chunks.count_documents({"files_id": ObjectId(id_.partition("_")[2])})


def read_file(database: Any, id_: str) -> bytes:
    """Reads the file of an export from GridFS with PyMongo."""
    key = ObjectId(id_.partition("_")[2])
    row = database["exportFiles.files"].find_one({"_id": key})
    chunks = database["exportFiles.chunks"].find({"files_id": key}).sort("n", 1)
    data = b"".join(chunk["data"] for chunk in chunks)
    assert row is not None
    assert len(data) == row["length"]
    return data
