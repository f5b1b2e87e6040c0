"""The API, the worker and the build of the bundles as child processes of `segments up`."""

import os
import sys
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import app
from app.dashboard import build as dashboard
from app.graphiql import build as graphiql
from app.local.process import ChildProcess
from app.npm_bundle import has_npm
from app.settings import Settings

Environment = dict[str, str]


class ApiProcess(ChildProcess):
    def __init__(self, folder: Path, host: str, port: int, environment: Environment) -> None:
        super().__init__("api", folder, logs_to_file=False)
        self._address = (host, port)
        self._environment = environment

    def start(self) -> None:
        self.stop_leftover()
        host, port = self._address
        self.run(
            _segments_command("api", "--host", host, "--port", str(port)),
            _with_python_path(self._environment),
        )

    def wait_until_ready(self) -> None:
        self.wait_until(self._is_ready)

    def _is_ready(self) -> bool:
        connection = HTTPConnection(*self._address, timeout=5)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()


class WorkerProcess(ChildProcess):
    def __init__(self, folder: Path, environment: Environment) -> None:
        super().__init__("worker", folder, logs_to_file=False)
        self._environment = environment

    def start(self) -> None:
        self.stop_leftover()
        self.run(_segments_command("worker"), _with_python_path(self._environment))

    def wait_until_ready(self) -> None:
        """Returns at once: the API does not depend on the worker."""


class BundleBuildProcess(ChildProcess):
    """Builds the bundles of the dashboard and of GraphiQL once if npm is installed, while all else
    already runs. A bundle that the package contains, or the settings name, is not built."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        super().__init__("bundles", folder)
        self._names: list[str] = []
        self.environment: Environment = {}
        """The settings that name the bundles in the folder."""
        if settings.dashboard_bundle is None and not dashboard.is_current(dashboard.BUNDLE_FOLDER):
            self._add("dashboard", dashboard.is_current)
        if settings.graphiql_bundle is None and not graphiql.is_current(graphiql.BUNDLE_FOLDER):
            self._add("graphiql", graphiql.is_current)

    def _add(self, name: str, is_current: Callable[[Path], bool]) -> None:
        bundle = self.folder / name
        self.environment[f"SEGMENTS_{name.upper()}_BUNDLE"] = str(bundle)
        if not is_current(bundle):
            self._names.append(name)

    @property
    def can_build(self) -> bool:
        return bool(self._names) and has_npm()

    def start(self) -> None:
        module = "app.local.build_bundles"
        command = [sys.executable, "-P", "-m", module, str(self.folder), *self._names]
        self.run(command, _with_python_path({}))

    def wait_until_ready(self) -> None:
        """Returns at once: the pages say what is missing until their bundles are there."""


def _segments_command(*arguments: str) -> list[str]:
    # -P: ignore a folder named `app` in the current folder.
    return [sys.executable, "-P", "-m", "app", *arguments]


def _with_python_path(environment: Environment) -> Environment:
    assert app.__file__
    root_folder = str(Path(app.__file__).parents[1])
    paths = [root_folder, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, **environment, "PYTHONPATH": os.pathsep.join(paths)}
