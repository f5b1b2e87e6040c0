"""The API, the worker and the GraphiQL build as child processes of `segments up`."""

import os
import shutil
import sys
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import app
from app.graphiql.build import is_built
from app.local.process import ChildProcess

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


class GraphiqlBuildProcess(ChildProcess):
    """Bundles GraphiQL once if npm is installed, while everything else already runs."""

    def __init__(self, folder: Path) -> None:
        super().__init__("graphiql", folder)
        self.path = folder / "bundle"

    @property
    def can_build(self) -> bool:
        return not is_built(self.path) and shutil.which("npm") is not None

    def start(self) -> None:
        command = [sys.executable, "-P", "-m", "app.graphiql.build", "--out", str(self.path)]
        self.run(command, _with_python_path({}))

    def wait_until_ready(self) -> None:
        """Returns at once: without a bundle, the page loads GraphiQL from the network."""


def _segments_command(*arguments: str) -> list[str]:
    # -P: ignore a folder named `app` in the current folder.
    return [sys.executable, "-P", "-m", "app", *arguments]


def _with_python_path(environment: Environment) -> Environment:
    assert app.__file__
    root_folder = str(Path(app.__file__).parents[1])
    paths = [root_folder, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, **environment, "PYTHONPATH": os.pathsep.join(paths)}
