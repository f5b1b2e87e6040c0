"""Creates the collections and indexes that are missing when the store is opened.

Several processes may do so at the same time, also of two versions of this program.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pymongo import IndexModel
from pymongo.errors import OperationFailure

from app.store.collections import COLLECTIONS, SUBSTRING_INDEX, Collection, Database

_INDEX_NOT_FOUND = 27
_NAMESPACE_EXISTS = 48
_INDEX_OPTIONS_CONFLICT = 85
_INDEX_KEY_SPECS_CONFLICT = 86
_INDEX_BUILD_ABORTED = 276
_INDEX_CONFLICTS = (_INDEX_OPTIONS_CONFLICT, _INDEX_KEY_SPECS_CONFLICT, _INDEX_BUILD_ABORTED)
_MAX_INDEX_ATTEMPTS = 10


async def prepare(database: Database, *, has_substring_index: bool) -> None:
    """Creates missing collections and indexes, and replaces options that differ. Drops retired
    indexes, and the substring index unless `has_substring_index`."""
    existing = {row["name"]: row["options"] async for row in await database.list_collections()}
    # At the same time, MongoDB creates them in about two thirds of the time.
    await asyncio.gather(
        *(
            _prepare(database, collection, existing.get(collection.name))
            for collection in (
                COLLECTIONS if has_substring_index else map(_without_substring_index, COLLECTIONS)
            )
        )
    )


def _without_substring_index(collection: Collection) -> Collection:
    """The collection; if it has the substring index, with this index as a retired one."""
    name = SUBSTRING_INDEX.document["name"]
    indexes = [index for index in collection.indexes if index.document["name"] != name]
    if len(indexes) == len(collection.indexes):
        return collection
    retired_indexes = (*collection.retired_indexes, name)
    return replace(collection, indexes=indexes, retired_indexes=retired_indexes)


async def _prepare(
    database: Database, collection: Collection, options: Mapping[str, Any] | None
) -> None:
    """Prepares one collection; `options` are those that it has, None if it does not exist."""
    if options is None:
        await _create(database, collection)
    # collMod takes an exclusive lock: it would wait for every open transaction, and all other
    # operations would wait for it. That takes a minute if a process was killed in one.
    if options is None or any(
        options.get(option) != value for option, value in collection.options.items()
    ):
        await _set_options(database, collection)
    await _create_indexes(database, collection)
    if collection.retired_indexes:
        existing = await database[collection.name].index_information()
        for name in existing.keys() & set(collection.retired_indexes):
            await _drop_index(database, collection, name)


async def _set_options(database: Database, collection: Collection) -> None:
    if collection.options:
        await database.command({"collMod": collection.name, **collection.options})


async def _create(database: Database, collection: Collection) -> None:
    try:
        await database.create_collection(collection.name, check_exists=False)
    except OperationFailure as error:
        # Another process that starts at the same time created it first.
        if error.code != _NAMESPACE_EXISTS:
            raise


async def _create_indexes(database: Database, collection: Collection) -> None:
    if not collection.indexes:
        return
    try:
        await database[collection.name].create_indexes(list(collection.indexes))
    except OperationFailure as error:
        if error.code not in _INDEX_CONFLICTS:
            raise
        for index in collection.indexes:
            await _create_or_replace_index(database, collection, index)


async def _create_or_replace_index(
    database: Database, collection: Collection, index: IndexModel
) -> None:
    """Creates an index. One of its name with other options is of another version of this program:
    it is dropped first, unless it is unique, since duplicates could be written until it is there
    again. Another process that starts at the same time may drop what this one builds."""
    for attempt in range(1, _MAX_INDEX_ATTEMPTS + 1):
        try:
            await database[collection.name].create_indexes([index])
            return
        except OperationFailure as error:
            is_final = index.document.get("unique") or attempt == _MAX_INDEX_ATTEMPTS
            if error.code not in _INDEX_CONFLICTS or is_final:
                raise
            if error.code != _INDEX_BUILD_ABORTED:
                await _drop_index(database, collection, index.document["name"])


async def _drop_index(database: Database, collection: Collection, name: str) -> None:
    try:
        await database[collection.name].drop_index(name)
    except OperationFailure as error:
        # Another process that starts at the same time dropped it first.
        if error.code != _INDEX_NOT_FOUND:
            raise
