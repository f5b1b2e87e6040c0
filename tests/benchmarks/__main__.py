"""`python -m tests.benchmarks` lists them; each is run by `python -m tests.benchmarks.NAME`."""

import ast
from pathlib import Path


def main() -> None:
    for path in sorted(Path(__file__).parent.glob("[a-z]*.py")):
        module = ast.parse(path.read_text())
        if any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in module.body):
            print(f"{path.stem:20}{(ast.get_docstring(module) or '').splitlines()[0]}")


if __name__ == "__main__":
    main()
