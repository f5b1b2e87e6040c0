"""The deliveries of distributions: an outbox in MongoDB, and its sender.

    transition log → consumer → deliveries → sender → receiver

The consumer makes the rows in the transaction that advances its checkpoint, so that each transition
makes a delivery exactly once. The sender attempts each until the receiver has accepted it, so that
the receiver sees each at least once, always with the same id and body.
"""

from app.services.deliveries.channels import Channels
from app.services.deliveries.code_backlog import CodeBacklog
from app.services.deliveries.consumer import DeliveriesConsumer
from app.services.deliveries.content import ContentMaker
from app.services.deliveries.deliveries import Deliveries
from app.services.deliveries.member_backfill import MemberBackfills
from app.services.deliveries.retention import DeliveryRetention
from app.services.deliveries.sender import Sender
from app.services.deliveries.upkeep import Upkeep
from app.services.deliveries.upkeep_failures import UpkeepFailures
from app.services.deliveries.worker import DeliveryWorker
from app.services.deliveries.writer import DeliveryWriter

__all__ = [
    "Channels",
    "CodeBacklog",
    "ContentMaker",
    "Deliveries",
    "DeliveriesConsumer",
    "DeliveryRetention",
    "DeliveryWorker",
    "DeliveryWriter",
    "MemberBackfills",
    "Sender",
    "Upkeep",
    "UpkeepFailures",
]
