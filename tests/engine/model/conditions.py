"""Conditions of the filter language, as a client sends them."""

from typing import Any

Json = dict[str, Any]


def attribute(path: str, operator: str, value: object = None) -> Json:
    condition = {"path": path, "operator": operator}
    return {"attribute": condition if value is None else {**condition, "value": value}}


def event(name: str, **parameters: object) -> Json:
    return {"event": {"name": name, **parameters}}
