"""Code pools in the API."""

from datetime import datetime
from functools import partial
from typing import Annotated

import strawberry
from strawberry import UNSET

from app.domain.codes import DEFAULT_PATTERN
from app.domain.codes import CodePool as StoredPool
from app.domain.codes import CodeRecipient as StoredRecipient
from app.schema.context import Info
from app.schema.customers import Customer
from app.schema.customers_reading import load_customer
from app.schema.errors import UserError, attempt
from app.schema.idempotency import IdempotencyKey, attempt_once
from app.schema.input_json import input_to_json
from app.schema.node import Node, to_node
from app.schema.scalars import Long


@strawberry.type(description="Something that claims codes from a pool.")
class CodePoolUse:
    id: strawberry.ID = strawberry.field(description="Its id.")
    name: str = strawberry.field(description="Its name.")

    @strawberry.field(graphql_type=Node | None, description="The thing itself.")
    async def node(self, info: Info) -> object:
        user = await info.context.loaders.users.load(self.id)
        return None if user is None else to_node(user)


@strawberry.type(description="A pool of unique codes to give away. Each code is claimed once.")
class CodePool(Node):
    name: str = strawberry.field(description="The name of the pool.")
    total_count: Long = strawberry.field(
        description="The number of codes that the pool has, claimed ones included."
    )
    available_count: Long = strawberry.field(
        description="The number of codes that nobody has claimed."
    )
    generating_count: Long = strawberry.field(
        description="The number of codes that a job has yet to generate. It falls to 0 while"
        " totalCount rises."
    )
    created_at: datetime = strawberry.field(description="When the pool was created.")

    @strawberry.field(description="What claims codes from the pool. The pool can't be deleted.")
    async def used_by(self, info: Info) -> list[CodePoolUse]:
        uses = await info.context.loaders.pool_uses.load(self.id)
        return [CodePoolUse(id=strawberry.ID(use.id), name=use.name) for use in uses or ()]

    @classmethod
    def from_domain(cls, stored_pool: StoredPool) -> "CodePool":
        return cls(
            id=strawberry.ID(stored_pool.id),
            name=stored_pool.name,
            total_count=Long(stored_pool.total_count),
            available_count=Long(stored_pool.available_count),
            generating_count=Long(stored_pool.generating_count),
            created_at=stored_pool.created_at,
        )


to_node.register(StoredPool, CodePool.from_domain)


@strawberry.type(description="A customer who got a code.")
class CodeRecipient:
    at: datetime = strawberry.field(
        description="When the delivery with the code was made, or the reward given."
    )
    stored_recipient: strawberry.Private[StoredRecipient]

    @strawberry.field(description="The customer; null once the customer has been deleted.")
    async def customer(self, info: Info) -> Customer | None:
        return await load_customer(info, self.stored_recipient.customer_id)

    @strawberry.field(
        graphql_type=Node | None,
        description="The distribution or referral tier that gave the code; null once it has been"
        " deleted.",
    )
    async def giver(self, info: Info) -> object:
        giver = await info.context.loaders.users.load(self.stored_recipient.giver_id)
        return None if giver is None else to_node(giver)


@strawberry.input(description="How to generate codes at random. They can't be guessed.")
class CodeGenerationInput:
    count: int = strawberry.field(
        description="The number of codes, from 1 to 1,000,000. Up to 1,000 codes are there at once;"
        " a job generates more."
    )
    pattern: str | None = strawberry.field(
        default=DEFAULT_PATTERN,
        description="Each # stands for a random character: a digit or a capital letter except 0"
        " and O, 1, I and L, which look alike. Other characters stand for themselves. At most half"
        " of the possible codes can be generated.",
    )


@strawberry.input(
    description="A code pool to create: with these codes, with generated codes, or empty."
)
class CodePoolInput:
    name: str = strawberry.field(description="The name of the pool.")
    codes: list[str] | None = strawberry.field(
        default=UNSET,
        description="The codes, at most 10,000; more can be added afterwards. A code has 1 to 100"
        " characters, no control characters, and no blanks at its ends.",
    )
    generate: CodeGenerationInput | None = strawberry.field(
        default=UNSET, description="How to generate the codes."
    )


@strawberry.type(description="The result of creating, changing or deleting a code pool.")
class CodePoolPayload:
    code_pool: CodePool | None = strawberry.field(description="The pool; null if there are errors.")
    user_errors: list[UserError] = strawberry.field(
        description="Why nothing changed; empty on success."
    )

    @classmethod
    def from_domain(
        cls, stored_pool: StoredPool | None, user_errors: list[UserError]
    ) -> "CodePoolPayload":
        pool = CodePool.from_domain(stored_pool) if stored_pool else None
        return cls(code_pool=pool, user_errors=user_errors)


PoolId = Annotated[strawberry.ID, strawberry.argument(description="The id of the pool.")]


@strawberry.type
class CodePoolQuery:
    @strawberry.field(description="All code pools, in the order of their creation.")
    async def code_pools(self, info: Info) -> list[CodePool]:
        pools = await info.context.services.code_pools.all()
        return [CodePool.from_domain(pool) for pool in pools]

    @strawberry.field(
        description="The customers who got this code, newest first; at most 100. A pool gives each"
        " code once, but two pools may have the same code. Case counts. A code is not found once"
        " the retention of deliveries has deleted its delivery."
    )
    async def code_recipients(
        self,
        info: Info,
        code: Annotated[str, strawberry.argument(description="The whole code.")],
    ) -> list[CodeRecipient]:
        recipients = await info.context.services.code_pools.recipients(code)
        return [
            CodeRecipient(at=recipient.at, stored_recipient=recipient) for recipient in recipients
        ]


@strawberry.type
class CodePoolMutation:
    @strawberry.mutation(description="Creates a code pool.")
    async def code_pool_create(
        self,
        info: Info,
        input: Annotated[CodePoolInput, strawberry.argument(description="The pool to create.")],
        idempotency_key: IdempotencyKey = None,
    ) -> CodePoolPayload:
        service, now = info.context.services.code_pools, info.context.now.at
        input_object = input_to_json(input)
        create = partial(service.create, input_object, now)
        return CodePoolPayload.from_domain(
            *await attempt_once(info, idempotency_key, input_object, create, service.get)
        )

    @strawberry.mutation(
        description="Adds codes to a pool, after those that it has. Adds none if one of them is"
        " invalid or in the pool already."
    )
    async def code_pool_add_codes(
        self,
        info: Info,
        id: PoolId,
        codes: Annotated[
            list[str], strawberry.argument(description="The codes to add, at most 10,000.")
        ],
        idempotency_key: IdempotencyKey = None,
    ) -> CodePoolPayload:
        service = info.context.services.code_pools
        add_codes = partial(service.add_codes, id, codes)
        input_object = {"id": id, "codes": codes}
        return CodePoolPayload.from_domain(
            *await attempt_once(info, idempotency_key, input_object, add_codes, service.get)
        )

    @strawberry.mutation(
        description="INVALID while something uses it, as with the next ones. Deletes the pool and"
        " its codes; codes that were claimed stay valid where they were sent."
    )
    async def code_pool_delete(self, info: Info, id: PoolId) -> CodePoolPayload:
        service = info.context.services.code_pools
        return CodePoolPayload.from_domain(*await attempt(service.delete(id)))
