"""How far back does MongoDB know what happened?"""

import asyncio
from collections.abc import Iterator
from datetime import timedelta

from app.commands import connected
from app.commands.finding import Finding
from app.domain.engine import Images, Oplog, Windows
from app.settings import Settings

_HOUR = timedelta(hours=1)


def look(settings: Settings) -> Iterator[Finding]:
    windows = asyncio.run(_windows(settings))
    yield _oplog(windows.oplog)
    yield _images(windows.images, timedelta(hours=settings.image_retention_hours))


async def _windows(settings: Settings) -> Windows:
    async with connected.store(settings) as store:
        return await store.oplog.windows()


def _oplog(oplog: Oplog | None) -> Finding:
    """A worker that was away for longer than this window settles every active segment anew."""
    if oplog is None:
        return Finding("oplog", "can't be seen with this user or through mongos")
    state = f"{oplog.room // 2**20} MiB, reaches back {oplog.window / _HOUR:.1f} h"
    too_short = oplog.is_full and oplog.window < _HOUR
    return Finding("oplog", state, "make it larger with replSetResizeOplog" if too_short else "")


def _images(images: Images | None, wanted: timedelta) -> Finding:
    if images is None:
        return Finding("images", "their retention can't be seen with this user")
    how = (
        "db.adminCommand({setClusterParameter: {changeStreamOptions:"
        f" {{preAndPostImages: {{expireAfterSeconds: {wanted.total_seconds():.0f}}}}}}}}})"
    )
    if images.kept is None:
        return Finding("images", "kept as long as the oplog", f"give them an end: {how}")
    state = f"kept for {images.kept / _HOUR:g} h"
    # An hour's fraction may be no whole number of seconds.
    shorter = images.kept < timedelta(seconds=round(wanted.total_seconds()))
    return Finding("images", state, f"keep them longer: {how}" if shorter else "")
