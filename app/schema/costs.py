"""What fields cost, in points. A point is about 10 microseconds of the server's time.

`schema/http/operation_cost.py` adds a point for each value of the result, and multiplies the points
of a field by the sizes of the lists around it. Fields that read a row or two with their list cost
nothing of their own.
"""

from collections.abc import Mapping

from app.schema.http.operation_cost import FieldCost

# A query for the customers who match a filter: MongoDB may have to look at all of them.
_POPULATION_QUERY = FieldCost(1_000)
# A page of the customers, each of whom is read as a whole.
_CUSTOMER_POINTS = 10
_POPULATION_PAGE = FieldCost(1_000, _CUSTOMER_POINTS, "first")
# Two filters at once.
_DIFFERENCE_QUERY = FieldCost(2_000)
_DIFFERENCE_PAGE = FieldCost(2_000, _CUSTOMER_POINTS, "first")
# One customer and its rows, judged by one filter or by all.
_EVALUATION = FieldCost(50)
# To read a part of a filter, find hints for it and put it into words; or to find a customer.
_OBJECT_POINTS = 4
# A page of rows that an index finds.
_PAGE = FieldCost(20)
# A transaction, and its rows.
_WRITE = FieldCost(100)
_RULE_WRITE = FieldCost(100, _OBJECT_POINTS, object_argument="input")
# A snapshot finds all members; hints look at samples.
_SEGMENT_WRITE = FieldCost(1_000, _OBJECT_POINTS, object_argument="input")
_BULK_WRITE = FieldCost(100, 10, "inputs")

FIELD_COSTS: Mapping[str, FieldCost] = {
    "Query.customers": FieldCost(200, _CUSTOMER_POINTS, "first"),
    "CustomerConnection.totalCount": _POPULATION_QUERY,
    "Query.customersByRef": FieldCost(0, _CUSTOMER_POINTS, "refs"),
    "Query.customersByEmail": FieldCost(200, _CUSTOMER_POINTS, "emails"),
    "Query.segments": _PAGE,
    "Segment.memberCount": _POPULATION_QUERY,
    "Segment.members": _POPULATION_PAGE,
    "MemberConnection.totalCount": _POPULATION_QUERY,
    "Segment.sizeHistory": _PAGE,
    "Segment.transitions": _PAGE,
    "Segment.changes": _PAGE,
    "Customer.segments": _EVALUATION,
    "Customer.timeline": _PAGE,
    "LoyaltySummary.ledger": _PAGE,
    "Query.segmentMembership": _EVALUATION,
    "SegmentMembership.explanation": _EVALUATION,
    "SegmentMembership.changesAt": _EVALUATION,
    "Query.validate": _EVALUATION,
    "Query.segmentPreview": FieldCost(0, _OBJECT_POINTS, object_argument="filter"),
    "SegmentPreview.memberCount": _POPULATION_QUERY,
    "SegmentPreview.size": _POPULATION_QUERY,
    "SegmentPreview.sample": _POPULATION_PAGE,
    "SegmentPreview.judge": _EVALUATION,
    "FilterJudgement.explanation": _EVALUATION,
    "FilterJudgement.changesAt": _EVALUATION,
    "SegmentDifference.enteringCount": _DIFFERENCE_QUERY,
    "SegmentDifference.leavingCount": _DIFFERENCE_QUERY,
    "SegmentDifference.stayingCount": _DIFFERENCE_QUERY,
    "SegmentDifference.entering": _DIFFERENCE_PAGE,
    "SegmentDifference.leaving": _DIFFERENCE_PAGE,
    # Random samples of customers and of events.
    "Query.filterAttributes": _POPULATION_QUERY,
    "Query.filterValueSuggestions": _POPULATION_QUERY,
    "FilterEvent.properties": _PAGE,
    "Query.segmentTransitions": _PAGE,
    "Query.codeRecipients": _PAGE,
    "Query.exports": _PAGE,
    "Query.engineStatus": FieldCost(500),
    "Distribution.deliveries": _PAGE,
    "Distribution.counts": _PAGE,
    "DeliveryConnection.totalCount": FieldCost(200),
    "Mutation.customerUpsert": _WRITE,
    "Mutation.customersUpsert": _BULK_WRITE,
    "Mutation.customerDelete": _WRITE,
    "Mutation.eventsTrack": _BULK_WRITE,
    "Mutation.ordersUpsert": _BULK_WRITE,
    "Mutation.segmentCreate": _SEGMENT_WRITE,
    "Mutation.segmentUpdate": _SEGMENT_WRITE,
    "Mutation.segmentDelete": _WRITE,
    "Mutation.metadataDefinitionSet": _WRITE,
    # A job reads all members.
    "Mutation.segmentExport": _POPULATION_QUERY,
    "Mutation.exportCancel": _WRITE,
    "Mutation.loyaltyProgramCreate": _WRITE,
    "Mutation.loyaltyProgramDelete": _WRITE,
    "Mutation.earningRuleCreate": _WRITE,
    "Mutation.earningRuleSetEnabled": _WRITE,
    "Mutation.earningRuleDelete": _WRITE,
    "Mutation.pointsAdjust": _WRITE,
    "Mutation.validationRuleCreate": _RULE_WRITE,
    "Mutation.validationRuleUpdate": _RULE_WRITE,
    "Mutation.validationRuleDelete": _WRITE,
    "Mutation.distributionCreate": _WRITE,
    "Mutation.distributionUpdate": _WRITE,
    "Mutation.distributionSetState": _WRITE,
    "Mutation.distributionRotateSecret": _WRITE,
    "Mutation.distributionDelete": _WRITE,
    "Mutation.distributionTest": _WRITE,
    "Mutation.deliveryRetry": _WRITE,
    "Mutation.deliveriesRetry": _WRITE,
    "Mutation.codePoolCreate": _WRITE,
    "Mutation.codePoolAddCodes": FieldCost(100, 1, "codes"),
    "Mutation.codePoolDelete": _WRITE,
    "Mutation.referralProgramCreate": _WRITE,
    "Mutation.referralProgramDelete": _WRITE,
    "Mutation.referralRecord": _WRITE,
    "Subscription.segmentTransitions": _PAGE,
    "Subscription.exportProgress": _PAGE,
}
