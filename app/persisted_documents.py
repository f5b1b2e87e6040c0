"""Documents of Apollo's automatic persisted queries, in Redis.

A client sends the SHA-256 of a document, and the document itself only if the server does not know
it. So documents may be lost at any time: without Redis, clients send each of them.
"""

from contextlib import suppress

from redis.asyncio import Redis

from app.redis_breaker import RedisBreaker, RedisUnavailable

MAX_DOCUMENTS = 1_000
MAX_DOCUMENT_BYTES = 20_000
EXPIRY_SECONDS = 24 * 60 * 60


class PersistedDocuments:
    """The documents of one database, for all API processes: at most 20 MB, each for a day."""

    def __init__(self, redis: Redis, breaker: RedisBreaker, database: str) -> None:
        self._redis = redis
        self._breaker = breaker
        self._document_prefix = f"segments:{database}:document:"
        # The hashes, each with the time at which its document was saved.
        self._index_key = f"segments:{database}:documents"

    async def get(self, document_hash: str) -> str | None:
        """Returns the document; None if it is unknown, or if Redis does not answer."""
        key = self._document_prefix + document_hash
        try:
            document = await self._breaker.call(lambda: self._redis.get(key))
        except RedisUnavailable:
            return None
        return None if document is None else document.decode()

    async def save(self, document_hash: str, document: str) -> None:
        """Saves the document unless it is known or too long, and drops the oldest ones beyond the
        bound."""
        encoded_document = document.encode()
        if len(encoded_document) > MAX_DOCUMENT_BYTES:
            return
        with suppress(RedisUnavailable):
            await self._breaker.call(lambda: self._save(document_hash, encoded_document))

    async def _save(self, document_hash: str, encoded_document: bytes) -> None:
        # Some clients send the document each time.
        if await self._redis.exists(self._document_prefix + document_hash):
            return
        seconds, _ = await self._redis.time()
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.set(self._document_prefix + document_hash, encoded_document, ex=EXPIRY_SECONDS)
            pipeline.zadd(self._index_key, {document_hash: seconds})
            pipeline.expire(self._index_key, EXPIRY_SECONDS)
            pipeline.zremrangebyscore(self._index_key, 0, seconds - EXPIRY_SECONDS)
            pipeline.zcard(self._index_key)
            *_, document_count = await pipeline.execute()
        if document_count > MAX_DOCUMENTS:
            oldest = await self._redis.zpopmin(self._index_key, document_count - MAX_DOCUMENTS)
            await self._redis.delete(
                *(self._document_prefix + hash_.decode() for hash_, _ in oldest)
            )
