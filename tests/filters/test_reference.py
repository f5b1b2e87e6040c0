"""The reference contains every operator, and is the same each time."""

from app.filters import reference
from app.filters.aggregates import AGGREGATES
from app.filters.fields import FIELDS
from app.filters.operators import OPERATORS


def test_the_reference_contains_everything() -> None:
    lines = reference().splitlines()
    for operator in OPERATORS:
        assert f"### {operator.name}" in lines
    for name in [*(field.path for field in FIELDS), *(a.name for a in AGGREGATES)]:
        assert any(line.startswith(f"| `{name}` |") for line in lines), name


def test_every_row_of_a_table_has_its_cells() -> None:
    width = 0
    for line in reference().splitlines():
        cells = line.replace("\\|", "").count("|")
        assert cells == width or not (cells and width), line
        width = cells


def test_the_reference_is_deterministic() -> None:
    assert reference() == reference()
