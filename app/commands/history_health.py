"""Checks how long MongoDB keeps the oplog and the images of changes."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta

from app.commands import connections
from app.domain.engine_status import ImageRetention, OplogStats, RetentionWindows
from app.services.health import Finding
from app.settings import Settings

_HOUR = timedelta(hours=1)


def check(settings: Settings) -> Iterator[Finding]:
    windows = asyncio.run(_read_windows(settings))
    yield _check_oplog(windows.oplog)
    yield _check_images(windows.images, timedelta(hours=settings.image_retention_hours))


async def _read_windows(settings: Settings) -> RetentionWindows:
    async with connections.open_store(settings) as store:
        return await store.oplog.read_windows()


def _check_oplog(oplog: OplogStats | None) -> Finding:
    """Checks how far the oplog reaches back, which limits how long workers may be down."""
    if oplog is None:
        return Finding("oplog", "not visible to this user, or through mongos")
    state = f"{oplog.max_size_bytes // 2**20} MiB, spans {oplog.window / _HOUR:.1f} h"
    is_too_short = oplog.is_full and oplog.window < _HOUR
    return Finding("oplog", state, "enlarge it with replSetResizeOplog" if is_too_short else "")


def _check_images(images: ImageRetention | None, required_retention: timedelta) -> Finding:
    if images is None:
        return Finding("images", "their retention is not visible to this user")
    # The setting may be any fraction of an hour; MongoDB takes whole seconds.
    required_seconds = round(required_retention.total_seconds())
    admin_command = (
        "db.adminCommand({setClusterParameter: {changeStreamOptions:"
        f" {{preAndPostImages: {{expireAfterSeconds: {required_seconds}}}}}}}}})"
    )
    if images.retention is None:
        return Finding(
            "images", "kept as long as the oplog", f"limit their retention: {admin_command}"
        )
    state = f"kept for {images.retention / _HOUR:g} h"
    is_too_short = images.retention < timedelta(seconds=required_seconds)
    return Finding("images", state, f"keep them longer: {admin_command}" if is_too_short else "")
