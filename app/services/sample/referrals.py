"""The referral program of the sample shop."""

from app.filters import Now
from app.services.sample.segments import find_segment
from app.services.services import Services

PROGRAM_NAME = "Bring a friend"
LOYALTY_PROGRAM_NAME = "Shop points"
POOL_NAME = "Referral codes"
_VIP_SEGMENT_NAME = "VIPs"
_CODE_COUNT = 100


async def create_referral_program(services: Services, now: Now) -> None:
    """Creates the program with its loyalty program and its code pool, unless it exists. One tier
    gives points for the first referee, the other gives VIPs a code for five."""
    if any(program.name == PROGRAM_NAME for program in await services.referrals.programs()):
        return
    segment = await find_segment(services, _VIP_SEGMENT_NAME)
    loyalty_program = await services.loyalty.create_program({"name": LOYALTY_PROGRAM_NAME}, now.at)
    pool = await services.code_pools.create(
        {"name": POOL_NAME, "generate": {"count": _CODE_COUNT, "pattern": "FRIEND-####-####"}},
        now.at,
    )
    points = {"programId": loyalty_program.id, "points": 100}
    tiers = [
        {"name": "First friend", "minReferrals": 1, "reward": {"points": points}},
        {
            "name": "Five friends of a VIP",
            "minReferrals": 5,
            "segmentId": segment.id,
            "reward": {"codePoolId": pool.id},
        },
    ]
    await services.referrals.create_program({"name": PROGRAM_NAME, "tiers": tiers}, now.at)
