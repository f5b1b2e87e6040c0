"""`segments sdl`: writes the generated files of graphql-schema/, or checks them."""

from collections.abc import Callable, Iterator
from difflib import unified_diff
from itertools import islice
from pathlib import Path

from app.errors import SetupError
from app.filters import reference, voucherify
from app.schema import schema

_CHECKOUT_FOLDER = Path(__file__).parents[2]
_MAX_DIFF_LINES = 20

PrintLine = Callable[[str], None]


def write() -> list[Path]:
    """Writes the generated files and returns their paths; other files stay untouched."""
    files = _generate_files()
    for file, generated_text in files.items():
        file.write_text(generated_text, "utf-8")
    return list(files)


def check(print_warning: PrintLine) -> None:
    """Prints the differences to the generated files. Raises SetupError if there are any."""
    stale = [
        file
        for file, generated_text in _generate_files().items()
        if _has_difference(file, generated_text, print_warning)
    ]
    if stale:
        names = ", ".join(f"graphql-schema/{file.name}" for file in stale)
        raise SetupError(f"out of date: {names}; run `segments sdl`")


def _generate_files() -> dict[Path, str]:
    folder = _schema_folder()
    return {
        folder / "schema.graphql": schema.as_str() + "\n",
        folder / "operators.md": reference(),
        folder / "voucherify.md": voucherify.render_reference(),
    }


def _schema_folder() -> Path:
    for root_folder in (_CHECKOUT_FOLDER, Path.cwd()):
        if (root_folder / "graphql-schema").is_dir():
            return root_folder / "graphql-schema"
    raise SetupError("graphql-schema/ not found; run `segments sdl` in a checkout of the project")


def _has_difference(file: Path, generated_text: str, print_warning: PrintLine) -> bool:
    current_text = file.read_text("utf-8") if file.is_file() else ""
    lines = list(islice(_diff(file.name, current_text, generated_text), _MAX_DIFF_LINES + 1))
    for line in lines[:_MAX_DIFF_LINES]:
        print_warning(line)
    if len(lines) > _MAX_DIFF_LINES:
        print_warning("...")
    return current_text != generated_text


def _diff(name: str, current_text: str, generated_text: str) -> Iterator[str]:
    return unified_diff(
        current_text.splitlines(),
        generated_text.splitlines(),
        name,
        f"{name}, from the code",
        n=1,
        lineterm="",
    )
