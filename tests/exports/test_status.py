"""The numbers of exports in engineStatus, /metrics and `segments doctor`."""

from datetime import UTC, datetime, timedelta

from app.commands import engine_health
from tests.api import ALL_CUSTOMERS_FILTER
from tests.exports.export_shop import ExportShop

_COUNTS = "{ engineStatus { exports { scheduled inProgress failed } } }"


async def read_finding(shop: ExportShop) -> tuple[str, str]:
    findings = await engine_health.check(shop.api.services.store)
    (finding,) = [finding for finding in findings if finding.subject == "exports"]
    return finding.state, finding.remedy


async def test_exports_are_counted_by_status(shop: ExportShop) -> None:
    segment_id = await shop.create_segment("everyone", ALL_CUSTOMERS_FILTER)
    ids = [await shop.start(segment_id) for _ in range(4)]
    exports = shop.api.database.exports
    oldest_first = [row["_id"] for row in exports.find().sort("_id", 1)]
    assert len(oldest_first) == len(ids)
    for key, status in zip(oldest_first, ("DONE", "FAILED", "IN_PROGRESS"), strict=False):
        exports.update_one({"_id": key}, {"$set": {"status": status}})

    counts = (await shop.api.fetch(_COUNTS))["exports"]
    assert counts == {"scheduled": 1, "inProgress": 1, "failed": 1}
    metrics = (await shop.api.http_client.get("/metrics")).text
    for status in ("scheduled", "in_progress", "failed"):
        assert f'segments_exports{{status="{status}"}} 1.0' in metrics
    state = "1 scheduled, 1 in progress, 1 failed in the last 30 days"
    assert await read_finding(shop) == (state, "")

    long_ago = datetime.now(UTC) - timedelta(minutes=2)
    exports.update_one({"_id": oldest_first[3]}, {"$set": {"queuedAt": long_ago}})
    assert await read_finding(shop) == (state, "start `segments worker`, one or more")
