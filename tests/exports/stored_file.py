"""A finished file of an export, without the export."""

from datetime import UTC, datetime, timedelta

from app.domain.ids import EntityKind
from app.store import Store, Transaction
from app.store.ids import new_id
from tests.api import Api

_BYTES_PER_TRANSACTION = 4 * 1024 * 1024


async def store_file(store: Store, content: bytes, filename: str = "members.csv") -> str:
    """Stores a file, and returns its id."""
    file_id = new_id(EntityKind.EXPORT)
    for offset in range(0, len(content), _BYTES_PER_TRANSACTION):
        piece = content[offset : offset + _BYTES_PER_TRANSACTION]

        async def append(
            transaction: Transaction, offset: int = offset, piece: bytes = piece
        ) -> None:
            await store.export_files.append(file_id, offset, piece, transaction)

        await store.transaction(append)

    async def finish(transaction: Transaction) -> None:
        await store.export_files.finish(file_id, len(content), filename, transaction)

    await store.transaction(finish)
    return file_id


def download_path(api: Api, export_id: str, expires_in: timedelta = timedelta(hours=1)) -> str:
    """Returns the path of the signed URL."""
    url = api.services.download_urls.url(export_id, datetime.now(UTC) + expires_in, "http://x")
    return url.removeprefix("http://x")
