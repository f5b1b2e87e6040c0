"""Builds the dashboard and GraphiQL for wheels and source archives, so that none lacks one or has
a stale one.

Hatchling runs this file where it builds the package. SEGMENTS_WITHOUT_PAGES leaves them out.
"""

import os
import subprocess
import sys
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PagesBuildHook(BuildHookInterface):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Builds the bundles that are not current. An editable install builds none: `segments up`
        does it later."""
        if version == "editable" or os.environ.get("SEGMENTS_WITHOUT_PAGES"):
            return
        sys.path.insert(0, self.root)
        from app.dashboard import build as dashboard
        from app.graphiql import build as graphiql

        for package in (dashboard, graphiql):
            if not package.is_current(package.BUNDLE_FOLDER):
                self._build(package.__name__)

    def _build(self, module: str) -> None:
        result = subprocess.run(  # noqa: S603 - fixed arguments, no shell
            [sys.executable, "-m", module],
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": self.root},
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode != 0:
            sys.exit(
                f"{module} failed: {result.stderr.strip()}\n"
                "Set SEGMENTS_WITHOUT_PAGES=1 to build the package without the dashboard and"
                " GraphiQL."
            )
