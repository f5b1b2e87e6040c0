"""Documents, parsed and validated once and then known by their text."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    parse,
    specified_rules,
    validate,
)
from graphql.validation.rules import overlapping_fields_can_be_merged
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from app.schema.http import limits
from app.schema.http.answer_size import may_be_too_large
from app.schema.http.literals import NumbersFit
from app.schema.http.masking import shown
from app.schema.http.refusals import (
    JSON,
    PARSE_FAILED,
    TOO_COMPLEX,
    VALIDATION_FAILED,
    OperationRefused,
)

MAX_TOKENS = 10_000
MAX_CHARACTERS = 200_000
MAX_COMMENTS = 1_000
KEPT_CHARACTERS = 500_000
MAX_ERRORS = 10
_RULES = (*specified_rules, NumbersFit, MaybeNullValidationRule, OneOfInputValidationRule)

# The rule's own budget lets a document of 500 equal fields take a second.
overlapping_fields_can_be_merged.MAX_COMPLEXITY_BUDGET = 50_000


@dataclass(frozen=True, slots=True)
class Document:
    """A document that fits the schema, or why it doesn't."""

    tree: DocumentNode | None
    may_be_too_large: bool = False
    status: int = 200
    errors: tuple[JSON, ...] = ()


class Documents:
    """The latest documents, as many as fit into KEPT_CHARACTERS of text."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._known: OrderedDict[str, Document] = OrderedDict()
        self._characters = 0

    def get(self, source: str) -> tuple[DocumentNode, bool]:
        """The document, and whether its answers may be too large."""
        document = self._known.get(source)
        if document is None:
            document = self._read(source)
            self._keep(source, document)
        else:
            self._known.move_to_end(source)
        if document.tree is None:
            raise OperationRefused(document.status, document.errors)
        return document.tree, document.may_be_too_large

    def _keep(self, source: str, document: Document) -> None:
        self._known[source] = document
        self._characters += len(source)
        while self._characters > KEPT_CHARACTERS:
            oldest, _ = self._known.popitem(last=False)
            self._characters -= len(oldest)

    def _read(self, source: str) -> Document:
        try:
            tree = parse(
                source,
                max_lexical_tokens=MAX_TOKENS,
                max_comments=MAX_COMMENTS,
                max_source_length=MAX_CHARACTERS,
            )
        except GraphQLError as problem:
            return Document(None, status=400, errors=(shown(problem, PARSE_FAILED),))
        if too_much := [
            GraphQLError(f"The operation asks for {what}.", operation)
            for operation, what in limits.excess(tree)
        ]:
            return _unfit(too_much, TOO_COMPLEX)
        if problems := validate(self._schema, tree, _RULES, max_errors=MAX_ERRORS):
            return _unfit(problems, VALIDATION_FAILED)
        return Document(tree, may_be_too_large(self._schema, tree))


def _unfit(problems: Sequence[GraphQLError], code: str) -> Document:
    return Document(None, status=422, errors=tuple(shown(problem, code) for problem in problems))
