"""Builds the dashboard for wheels and source archives, so that none lacks it or has a stale one.

Hatchling runs this file where it builds the package. SEGMENTS_WITHOUT_PAGES leaves the dashboard
out.
"""

import os
import subprocess
import sys
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class DashboardBuildHook(BuildHookInterface):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Builds the bundle unless it is current. An editable install builds none: `segments up`
        does it later."""
        if version == "editable" or os.environ.get("SEGMENTS_WITHOUT_PAGES"):
            return
        sys.path.insert(0, self.root)
        from app.dashboard.build import BUNDLE_FOLDER, is_current

        if is_current(BUNDLE_FOLDER):
            return
        build = subprocess.run(
            [sys.executable, "-m", "app.dashboard.build"],
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": self.root},
            capture_output=True,
            text=True,
            check=False,
        )
        if build.returncode != 0:
            sys.exit(
                f"The dashboard can't be built: {build.stderr.strip()}\n"
                "Set SEGMENTS_WITHOUT_PAGES=1 to build the package without it."
            )
