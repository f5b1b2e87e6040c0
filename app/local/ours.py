"""Our own two programs, as parts of `segments up`."""

import os
import shutil
import sys
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import app
from app.graphiql.build import is_built
from app.local.process import Process

Environment = dict[str, str]


class Api(Process):
    def __init__(self, folder: Path, host: str, port: int, environment: Environment) -> None:
        super().__init__("api", folder, logs_to_file=False)
        self._address = (host, port)
        self._environment = environment

    def start(self) -> None:
        self.end_leftover()
        host, port = self._address
        self.run(_segments("api", "--host", host, "--port", str(port)), _ours(self._environment))

    def ready(self) -> None:
        self.wait_until(self._says_ready)

    def _says_ready(self) -> bool:
        connection = HTTPConnection(*self._address, timeout=5)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()


class Worker(Process):
    def __init__(self, folder: Path, environment: Environment) -> None:
        super().__init__("worker", folder, logs_to_file=False)
        self._environment = environment

    def start(self) -> None:
        self.end_leftover()
        self.run(_segments("worker"), _ours(self._environment))

    def ready(self) -> None:
        """Nobody waits for a worker: what it has to do keeps."""


class GraphiqlBundle(Process):
    """Made once, where npm is, while all else runs already: nobody waits for it."""

    def __init__(self, folder: Path) -> None:
        super().__init__("graphiql", folder)
        self.path = folder / "bundle"

    @property
    def can_be_made(self) -> bool:
        return not is_built(self.path) and shutil.which("npm") is not None

    def start(self) -> None:
        command = [sys.executable, "-P", "-m", "app.graphiql.build", "--out", str(self.path)]
        self.run(command, _ours({}))

    def ready(self) -> None:
        """Until it is, GraphiQL's page comes from the network."""


def _segments(*arguments: str) -> list[str]:
    # -P: a folder `app` where the user happens to stand is not ours.
    return [sys.executable, "-P", "-m", "app", *arguments]


def _ours(environment: Environment) -> Environment:
    assert app.__file__
    home = str(Path(app.__file__).parents[1])
    paths = [home, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, **environment, "PYTHONPATH": os.pathsep.join(paths)}
