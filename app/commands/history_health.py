"""How far back does MongoDB know what happened?"""

import asyncio
from collections.abc import Iterator
from datetime import timedelta

from app.commands import connections
from app.commands.finding import Finding
from app.domain.engine_status import ImageRetention, OplogStats, RetentionWindows
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
    """A worker that was away for longer than this window settles every active segment anew."""
    if oplog is None:
        return Finding("oplog", "can't be seen with this user or through mongos")
    state = f"{oplog.max_size_bytes // 2**20} MiB, reaches back {oplog.window / _HOUR:.1f} h"
    is_too_short = oplog.is_full and oplog.window < _HOUR
    return Finding("oplog", state, "make it larger with replSetResizeOplog" if is_too_short else "")


def _check_images(images: ImageRetention | None, required_retention: timedelta) -> Finding:
    if images is None:
        return Finding("images", "their retention can't be seen with this user")
    admin_command = (
        "db.adminCommand({setClusterParameter: {changeStreamOptions:"
        f" {{preAndPostImages: {{expireAfterSeconds: {required_retention.total_seconds():.0f}}}}}}}}})"
    )
    if images.retention is None:
        return Finding("images", "kept as long as the oplog", f"give them an end: {admin_command}")
    state = f"kept for {images.retention / _HOUR:g} h"
    # An hour's fraction may be no whole number of seconds.
    is_too_short = images.retention < timedelta(seconds=round(required_retention.total_seconds()))
    return Finding("images", state, f"keep them longer: {admin_command}" if is_too_short else "")
