"""`python -m app.local.build_bundles FOLDER NAME …` builds the bundles that `segments up` serves.

It builds one after the other: two npm processes at once would slow down everything else.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from app.dashboard import build as dashboard
from app.errors import SetupError
from app.graphiql import build as graphiql
from app.npm_bundle import stop_children_on_sigterm

BUILD_FUNCTIONS: dict[str, Callable[[Path], None]] = {
    "dashboard": dashboard.build,
    "graphiql": graphiql.build,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="+", choices=BUILD_FUNCTIONS)
    options = parser.parse_args()
    stop_children_on_sigterm()
    has_failed = False
    for name in options.names:
        try:
            BUILD_FUNCTIONS[name](options.folder / name)
        except SetupError as error:
            has_failed = True
            sys.stderr.write(f"{error}\n")
    return int(has_failed)


if __name__ == "__main__":
    sys.exit(main())
