"""Lists the benchmarks; `python -m tests.benchmarks.NAME` runs one."""

import ast
from pathlib import Path


def main() -> None:
    here = Path(__file__).parent
    packages = {path.parent.name: path for path in here.glob("*/__main__.py")}
    modules = {path.stem: path for path in here.glob("[a-z]*.py")}
    for name, path in sorted({**packages, **modules}.items()):
        module = ast.parse(path.read_text())
        if any(
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == "main"
            for node in module.body
        ):
            print(f"{name:20}{(ast.get_docstring(module) or '').splitlines()[0]}")


if __name__ == "__main__":
    main()
