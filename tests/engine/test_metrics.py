"""Prometheus metrics of the engine, against its status."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.docs.documents import ROOT
from tests.engine.conftest import ShopWithEngine
from tests.engine.test_status import fetch_status, parse_instant, write_changes
from tests.engine.test_transitions import is_true_filter


async def fetch_metrics(shop: ShopWithEngine) -> dict[str, list[tuple[dict[str, str], float]]]:
    """Returns the samples of /metrics by name, each with its labels."""
    answer = await shop.api.http_client.get("/metrics")
    assert answer.status_code == 200
    samples: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            samples.setdefault(sample.name, []).append((sample.labels, sample.value))
    return samples


async def test_prometheus_metrics_match_the_status(shop_without_engine: ShopWithEngine) -> None:
    database = shop_without_engine.api.database
    written = await write_changes(shop_without_engine)
    now = datetime.now(UTC).replace(microsecond=0)
    for number, host in enumerate(['ho"st\\1\n', "host 2"], 1):
        row = {"host": host, "pid": number, "beganAt": now}
        done = {"changes": 10 * number, "transitions": 5 * number, "errors": number}
        rates = {"changesPerSecond": 1.5 * number, "transitionsPerSecond": 0.5}
        error = {"message": "broke", "at": now}
        database.workers.insert_one({"_id": f"w{number}", **row, **done, **rates, "error": error})
        database.heartbeats.insert_one({"_id": f"w{number}", "expiresAt": now + timedelta(hours=1)})
        mine = {"_id": {"$lt": 6 * number, "$gte": 6 * (number - 1)}}
        database.partitions.update_many(mine, {"$set": {"worker": f"w{number}"}})
    database.engineErrors.insert_one(
        {"_id": "last", "message": "", "at": now, "host": "", "pid": 1}
    )
    database.counters.update_one({"_id": "transitionLogEnd"}, {"$set": {"sequence": 12_345}})
    waits = [
        (1, now - timedelta(seconds=1)),
        (2, now - timedelta(hours=1)),
        (3, now + timedelta(1)),
    ]
    database.membershipStates.insert_many([{"partition": n, "nextTimerAt": at} for n, at in waits])
    database.definitionChanges.insert_one(
        {"_id": 1_000, "position": "", "positionAt": now, "gapPartitions": []}
    )
    await shop_without_engine.create_segment("Passive", is_true_filter("vip"))
    await shop_without_engine.create_active_segment("VIPs", is_true_filter("vip"))

    status, samples = (
        await fetch_status(shop_without_engine),
        await fetch_metrics(shop_without_engine),
    )

    told = {name.removeprefix("segments_engine_"): values for name, values in samples.items()}
    single = {name: values[0][1] for name, values in told.items() if values[0][0] == {}}
    assert single.pop("lag_seconds") == pytest.approx(status["lagSeconds"], abs=2)
    known = {
        "up": 1,
        "position_timestamp_seconds": parse_instant(status["reachedAt"]).timestamp(),
        "lag_changes": status["lagChanges"]["number"],
        "lag_changes_is_exact": 1,
        "changes_per_second": status["changesPerSecond"],
        "transitions_per_second": status["transitionsPerSecond"],
        "transitions_total": status["lastSequence"],
        "active_segments": status["activeSegments"],
        "due_timers": status["dueTimers"]["number"],
        "next_timer_timestamp_seconds": parse_instant(status["nextTimerAt"]).timestamp(),
        "backfill_progress_ratio": status["backfillProgress"],
        "partitions": len(status["partitions"]),
        "partitions_without_worker": sum(each["worker"] is None for each in status["partitions"]),
        "workers": len(status["workers"]),
        "oplog_window_seconds": pytest.approx(status["oplogSeconds"], abs=2),
        "image_retention_seconds": status["imageRetentionSeconds"],
        "history_window_seconds": status["historyWindowSeconds"],
        "last_error_timestamp_seconds": parse_instant(status["lastError"]["at"]).timestamp(),
    }
    assert {name: value for name, value in single.items() if name in known} == known
    assert known["lag_changes"] == written
    assert (known["changes_per_second"], known["transitions_per_second"]) == (4.5, 1)
    assert (known["transitions_total"], known["active_segments"]) == (12_345, 1)
    assert (known["due_timers"], known["partitions_without_worker"], known["workers"]) == (2, 4, 2)
    assert known["backfill_progress_ratio"] == 0
    assert known["next_timer_timestamp_seconds"] == (now + timedelta(1)).timestamp()
    for what in ("changes", "transitions", "errors"):
        assert told[f"worker_{what}_total"] == [
            ({"worker": each["id"], "host": each["host"], "pid": str(each["pid"])}, each[what])
            for each in status["workers"]
        ]
    # And this process is told of as before.
    assert samples["process_resident_memory_bytes"][0][1] > 0


async def test_the_alert_rules_use_metrics_that_exist(
    shop_without_engine: ShopWithEngine,
) -> None:
    await write_changes(shop_without_engine)
    rules = yaml.safe_load((ROOT / "app" / "alert_rules.yaml").read_text())["groups"][0]["rules"]
    used = {name for rule in rules for name in re.findall(r"segments_\w+", rule["expr"])}

    text = (await shop_without_engine.api.http_client.get("/metrics")).text

    assert len(used) >= 10
    assert used <= set(re.findall(r"^# HELP (\S+)", text, re.MULTILINE))


def test_each_recommended_alert_has_a_rule() -> None:
    rules = (ROOT / "app" / "alert_rules.yaml").read_text()
    rows = re.findall(r"^\| `(\w+)`.*\balert\b", (ROOT / "app" / "README.md").read_text(), re.M)

    assert len(rows) >= 3
    assert [name for name in rows if name not in rules] == []
    assert re.search(r"segments_event_loop_worst_delay_seconds\S* > 0\.25", rules)
