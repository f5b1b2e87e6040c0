"""The operations of the dashboard keep the limits of the API."""

import re
from pathlib import Path

import pytest
from graphql import parse, validate

from app.dashboard.build import PACKAGE_FOLDER
from app.schema import schema
from app.schema.http.document_limits import find_exceeded_limits
from app.schema.http.operation_cost import compile_costs
from app.settings import Settings

_DOCUMENT = re.compile(r"graphql\(`\n(.*?)`\)", re.DOTALL)
_OPERATIONS = {
    match[1].split()[1].split("(")[0]: match[1]
    for file in sorted((PACKAGE_FOLDER / "src").rglob("*.ts"))
    for match in _DOCUMENT.finditer(Path(file).read_text())
}


@pytest.mark.parametrize("name", _OPERATIONS)
def test_the_api_accepts_the_operation(name: str) -> None:
    document = parse(_OPERATIONS[name])

    assert validate(schema._schema, document) == []
    assert list(find_exceeded_limits(document)) == []
    for _, formula in compile_costs(schema._schema, document):
        assert formula.compute(None) <= Settings.model_fields["max_operation_cost"].default
