"""The caller and the project in the API."""

from datetime import datetime
from importlib.metadata import version

import strawberry

from app.domain.api_keys import Caller, Role
from app.domain.project import Project as StoredProject
from app.domain.segments import MAX_STATIC_MEMBERS
from app.filters.parse import MAX_CONDITIONS, MAX_GROUP_DEPTH
from app.schema.context import Info
from app.schema.enums import register_enum
from app.schema.scalars import Long

_VERSION = version("customer-segments")

register_enum(
    Role,
    "What a key may do. Each role includes those after it.",
    {
        "ADMIN": "Everything.",
        "WRITE": "Change customers, events, orders, segments, exports and rules.",
        "READ": "Queries and subscriptions.",
        "CHECK": "`segmentMembership`, `validate` and `viewer`, without explanations; of a segment"
        " only id, name and kind. For the front end of a shop.",
    },
)


@strawberry.type(description="Who runs the operation.")
class Viewer:
    key_name: str | None = strawberry.field(
        description="The name of the key. Null where keys are off."
    )
    role: Role = strawberry.field(description="The role; ADMIN where keys are off.")
    expires_at: datetime | None = strawberry.field(
        description="When the key expires; null if it never does."
    )

    @classmethod
    def from_domain(cls, caller: Caller) -> "Viewer":
        key = caller.key
        return cls(
            key_name=key.name if key else None,
            role=caller.role,
            expires_at=key.expires_at if key else None,
        )


@strawberry.type(description="What holds for the whole project.")
class Project:
    project: strawberry.Private[StoredProject]

    @strawberry.field(description="The IANA time zone of days, weeks and midnight in filters.")
    def time_zone(self) -> str:
        return self.project.time_zone

    @strawberry.field(description="The first day of the week: MONDAY, SUNDAY or SATURDAY.")
    def week_start(self) -> str:
        return self.project.week_start

    @strawberry.field(description="ISO 4217, of all amounts; null where it isn't set.")
    def currency(self) -> str | None:
        return self.project.currency

    @strawberry.field(description="The number of customers.")
    async def customer_count(self, info: Info) -> Long:
        services, now = info.context.services, info.context.now
        all_customers = await services.customers.plan_query(None, None, now)
        return Long(await all_customers.count())

    @strawberry.field(description="How many members a static segment may have.")
    def most_static_members(self) -> int:
        return MAX_STATIC_MEMBERS

    @strawberry.field(description="How many conditions a filter may have.")
    def most_conditions(self) -> int:
        return MAX_CONDITIONS

    @strawberry.field(description="How deeply the groups of a filter may be nested.")
    def most_levels(self) -> int:
        return MAX_GROUP_DEPTH

    @strawberry.field(description="The version of the server.")
    def version(self) -> str:
        return _VERSION


@strawberry.type
class ProjectQuery:
    @strawberry.field(description="Who runs this operation, and with which role.")
    def viewer(self, info: Info) -> Viewer:
        return Viewer.from_domain(info.context.caller)

    @strawberry.field(description="The project's settings and limits.")
    def project(self, info: Info) -> Project:
        return Project(project=info.context.services.project)
