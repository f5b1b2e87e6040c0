"""A cache of GraphQL documents, which are parsed and validated once."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import NamedTuple

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    Node,
    parse,
    specified_rules,
    validate,
)
from graphql.validation.rules import overlapping_fields_can_be_merged
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule

from app.schema.http import document_limits
from app.schema.http.error_masking import format_request_error
from app.schema.http.number_range_rule import NumberRangeRule
from app.schema.http.operation_cost import CostFormula, compile_costs
from app.schema.http.request_errors import (
    JSON,
    PARSE_FAILED_CODE,
    TOO_COMPLEX_CODE,
    VALIDATION_FAILED_CODE,
    OperationError,
    error_object,
)

MAX_DOCUMENT_TOKENS = 10_000
MAX_DOCUMENT_CHARACTERS = 200_000
MAX_DOCUMENT_COMMENTS = 1_000
MAX_CACHED_CHARACTERS = 500_000
MAX_CACHED_INVALID_CHARACTERS = 50_000
MAX_REQUEST_ERRORS = 10
_VALIDATION_RULES = (
    *specified_rules,
    NumberRangeRule,
    MaybeNullValidationRule,
)

# With the rule's default budget, a document of 500 equal fields takes a second to validate.
overlapping_fields_can_be_merged.MAX_COMPLEXITY_BUDGET = 50_000


class MeasuredOperation(NamedTuple):
    """The cost of an operation, and whether its result may be large."""

    cost: CostFormula
    may_be_large: bool


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """A valid document with its operations by name, or the HTTP status and the errors of an invalid
    one."""

    document_node: DocumentNode | None
    operations: Mapping[str | None, MeasuredOperation] = field(default_factory=dict)
    http_status: int = 200
    errors: tuple[JSON, ...] = ()


class _RecentDocuments:
    """The most recently used documents, up to a number of characters of text. Threads may use
    it."""

    def __init__(self, max_characters: int) -> None:
        self._max_characters = max_characters
        self._documents: OrderedDict[str, ParsedDocument] = OrderedDict()
        self._characters = 0
        self._lock = Lock()

    def has(self, source: str) -> bool:
        # A text that is too long is not even hashed.
        return len(source) <= self._max_characters and source in self._documents

    def get(self, source: str) -> ParsedDocument | None:
        if len(source) > self._max_characters:
            return None
        with self._lock:
            document = self._documents.get(source)
            if document is not None:
                self._documents.move_to_end(source)
            return document

    def add(self, source: str, document: ParsedDocument) -> None:
        """Adds a document, unless it alone has too many characters."""
        if len(source) > self._max_characters:
            return
        with self._lock:
            if source not in self._documents:
                self._characters += len(source)
            self._documents[source] = document
            while self._characters > self._max_characters:
                oldest_source, _ = self._documents.popitem(last=False)
                self._characters -= len(oldest_source)


class DocumentCache:
    """The most recently used documents: valid ones up to MAX_CACHED_CHARACTERS of text, and apart
    from them, so that they displace none, invalid ones up to MAX_CACHED_INVALID_CHARACTERS."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._valid_documents = _RecentDocuments(MAX_CACHED_CHARACTERS)
        self._invalid_documents = _RecentDocuments(MAX_CACHED_INVALID_CHARACTERS)

    def has(self, source: str) -> bool:
        """Whether the document is cached, so that `get` takes no time."""
        return self._valid_documents.has(source) or self._invalid_documents.has(source)

    def get(self, source: str) -> tuple[DocumentNode, Mapping[str | None, MeasuredOperation]]:
        """Returns the document, and its operations by name. Threads may call it.

        Raises OperationError if the text is not GraphQL, exceeds a limit or does not fit the
        schema.
        """
        document = self._valid_documents.get(source) or self._invalid_documents.get(source)
        if document is None:
            document = self._parse(source)
            is_valid = document.document_node is not None
            (self._valid_documents if is_valid else self._invalid_documents).add(source, document)
        if document.document_node is None:
            raise OperationError(document.http_status, document.errors)
        return document.document_node, document.operations

    def _parse(self, source: str) -> ParsedDocument:
        if len(source) > MAX_DOCUMENT_CHARACTERS:
            # The parser's error would search the whole text for the number of its line.
            message = f"The document has more than {MAX_DOCUMENT_CHARACTERS:,} characters."
            return ParsedDocument(
                None, http_status=400, errors=(error_object(message, PARSE_FAILED_CODE),)
            )
        try:
            document_node = parse(
                source,
                max_lexical_tokens=MAX_DOCUMENT_TOKENS,
                max_comments=MAX_DOCUMENT_COMMENTS,
            )
        except GraphQLError as error:
            return ParsedDocument(
                None, http_status=400, errors=(format_request_error(error, PARSE_FAILED_CODE),)
            )
        if limit_errors := [
            GraphQLError(f"The operation asks for {exceeded_limit}.", operation)
            for operation, exceeded_limit in document_limits.find_exceeded_limits(document_node)
        ]:
            return _invalid_document(limit_errors, TOO_COMPLEX_CODE)
        if validation_errors := validate(
            self._schema, document_node, _VALIDATION_RULES, max_errors=MAX_REQUEST_ERRORS
        ):
            return _invalid_document(validation_errors, VALIDATION_FAILED_CODE)
        operations = {
            operation.name.value if operation.name else None: MeasuredOperation(
                formula, formula.may_be_large()
            )
            for operation, formula in compile_costs(self._schema, document_node)
        }
        return ParsedDocument(document_node, operations)


def _invalid_document(validation_errors: Sequence[GraphQLError], code: str) -> ParsedDocument:
    return ParsedDocument(
        None,
        http_status=422,
        errors=tuple(
            format_request_error(error, code) for error in _merge_equal_errors(validation_errors)
        ),
    )


def _merge_equal_errors(errors: Sequence[GraphQLError]) -> list[GraphQLError]:
    """Returns one error for each message, with the locations of all errors that have it."""
    nodes_by_message: dict[str, list[Node]] = {}
    for error in errors:
        nodes_by_message.setdefault(error.message, []).extend(error.nodes or ())
    return [GraphQLError(message, nodes) for message, nodes in nodes_by_message.items()]
