"""An export in this process goes on after its last row when MongoDB fails for a moment."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from pymongo.errors import OperationFailure

from app.domain.exports import ExportFormat
from app.domain.segments import Segment
from app.local.mongod import Mongod
from app.local.valkey import Valkey
from app.services.exports import FileExport
from app.services.exports.definition import ExportOutdated
from app.store import member_windows
from tests.api import Api, running_api
from tests.exports.export_shop import ExportShop
from tests.failpoints import FailingMongod, failing_commands
from tests.local_processes import running_mongod

pytestmark = pytest.mark.asyncio(loop_scope="module")

CUSTOMER_COUNT = 5_500
SNAPSHOT_TOO_OLD = 239
CURSOR_NOT_FOUND = 43


@pytest.fixture(scope="module")
def failing_mongod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    with running_mongod(tmp_path_factory.mktemp("failing"), FailingMongod) as mongod:
        yield mongod


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(failing_mongod: Mongod, valkey: Valkey) -> AsyncIterator[Api]:
    async with running_api(failing_mongod, valkey) as api:
        for first in range(0, CUSTOMER_COUNT, 500):
            rows = [{"sourceId": f"c{number:05}"} for number in range(first, first + 500)]
            await api.bulk_upsert("customersUpsert", rows)
        yield api


async def create_segment(api: Api) -> Segment:
    segment_id = await ExportShop(api).create_segment(
        f"Segment {api.database.segments.count_documents({})}"
    )
    segment = await api.services.segments.get(segment_id)
    assert segment
    return segment


def file_export(api: Api) -> FileExport:
    services = api.services
    return FileExport(services.store, services.definitions, services.query_planner)


@pytest.mark.parametrize("error_code", [SNAPSHOT_TOO_OLD, CURSOR_NOT_FOUND])
async def test_it_goes_on_after_its_last_row(
    api: Api, error_code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(member_windows, "_DOCUMENTS_PER_BATCH", 1_000)
    export = file_export(api)
    definition = await export.define(
        await create_segment(api), ["sourceId"], ExportFormat.CSV, api.services.now()
    )
    texts: list[bytes] = []
    failure_count = 0

    def write(text: bytes) -> None:
        nonlocal failure_count
        texts.append(text)
        if len(texts) % 2 == 0:
            failure_count += 1
            failpoint = failing_commands(
                api.database, "getMore", mode={"times": 1}, errorCode=error_code
            )
            # It stays on until the next call of the driver.
            failpoint.__enter__()

    try:
        await export.run(definition, write)
    finally:
        api.database.client.admin.command({"configureFailPoint": "failCommand", "mode": "off"})
    assert failure_count > 2
    rows = [f"c{number:05}".encode() for number in range(CUSTOMER_COUNT)]
    assert b"".join(texts).split(b"\r\n") == [b"sourceId", *rows, b""]
    assert export.row_count == CUSTOMER_COUNT


async def test_it_ends_when_it_gets_no_further(api: Api) -> None:
    export = file_export(api)
    definition = await export.define(
        await create_segment(api), None, ExportFormat.CSV, api.services.now()
    )
    failing = failing_commands(
        api.database,
        "find",
        mode="alwaysOn",
        errorCode=SNAPSHOT_TOO_OLD,
        namespace=f"{api.database.name}.customers",
    )
    with failing, pytest.raises(OperationFailure):
        await export.run(definition, lambda _: None)


async def test_a_list_of_members_that_is_deleted(api: Api) -> None:
    shop = ExportShop(api)
    refs = [{"sourceId": f"c{number:05}"} for number in range(10)]
    segment_id = await shop.create_segment("List", customers=refs)
    segment = await api.services.segments.get(segment_id)
    assert segment
    export = file_export(api)
    definition = await export.define(segment, None, ExportFormat.CSV, api.services.now())
    await api.services.segments.delete(segment_id)
    with pytest.raises(ExportOutdated, match="deleted during the export"):
        await export.run(definition, lambda _: None)


async def test_it_writes_the_same_as_a_worker(api: Api) -> None:
    shop = ExportShop(api)
    segment = await create_segment(api)
    fields = ["id", "metadata", "createdAt"]
    export_id = await shop.start(segment.id, fields=fields, format="NDJSON")
    await shop.write_pending()
    export = file_export(api)
    definition = await export.define(segment, fields, ExportFormat.NDJSON, api.services.now())
    texts: list[bytes] = []
    await export.run(definition, texts.append)
    assert b"".join(texts) == shop.read_file(export_id)
