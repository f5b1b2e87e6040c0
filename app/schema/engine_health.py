"""What the health checks found about the engine, in the API."""

import strawberry

from app.schema.enums import register_enum
from app.services.health import Finding, PartitionState

MAX_FINDINGS = 60
"""More than the checks can find: see app/services/health."""

register_enum(
    PartitionState,
    name="EnginePartitionState",
    description="Whether the engine keeps up with the customer changes of a partition.",
    value_descriptions={
        "BLOCKED": "A change that a worker can't process blocks the partition.",
        "NO_WORKER": "No running worker processes the partition.",
        "LAGGING": "The worker is behind by more than `segments doctor` tolerates.",
        "KEEPING_UP": "The worker keeps up.",
    },
)


@strawberry.type(
    description="What a health check found about the engine, or about other work of the workers."
    " `segments doctor` prints the same."
)
class EngineFinding:
    subject: str = strawberry.field(description="What was checked.")
    state: str = strawberry.field(description="The state of the subject.")
    remedy: str | None = strawberry.field(
        description="What an operator has to do; null if the subject is well."
    )

    @classmethod
    def from_domain(cls, finding: Finding) -> "EngineFinding":
        return cls(subject=finding.subject, state=finding.state, remedy=finding.remedy or None)
