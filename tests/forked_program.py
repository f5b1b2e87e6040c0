"""Runs `segments` in processes that are forked from one that has imported the program.

An interpreter needs about a second of the processor to import the program, a fork a few
hundredths. Each command also has tests that start it as users do.
"""

import gc
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing import Pipe, get_context
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryFile
from typing import cast

from app.local.process import ChildProcess, _terminate_with_parent

# A child of a pytest that was started as a script runs that script's imports.
_PRELOADED_MODULES = [
    "pytest",
    "app.commands.doctor",
    "app.commands.export",
    "app.commands.import_",
    "app.commands.import_options",
    "app.commands.keys",
    "app.commands.worker",
    "app.local.running_addresses",
    "tests.forked_program",
    "tests.services.ledger_model",
]
fork_server = get_context("forkserver")
fork_server.set_forkserver_preload(_PRELOADED_MODULES)

COMMAND_SECONDS = 60


class ForkedProgram:
    """One run of `segments`, in a session of its own; has the methods of `subprocess.Popen`."""

    def __init__(
        self,
        arguments: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        streams: tuple[int, int, int],
    ) -> None:
        """Starts it in the folder. `streams` are its standard input, output and error."""
        # Connections can be sent to the fork server; the program never uses them as such.
        connections = [Connection(os.dup(stream)) for stream in streams]
        self._process = fork_server.Process(
            target=_run, args=(arguments, folder, dict(environment), connections), daemon=True
        )
        self._process.start()
        for connection in connections:
            connection.close()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """Returns the exit status, negative for a signal; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Returns the exit status. Raises TimeoutExpired if it runs longer."""
        self._process.join(timeout)
        status = self.poll()
        if status is None:
            raise subprocess.TimeoutExpired("segments", timeout or 0)
        return status

    def send_signal(self, number: int) -> None:
        # The fork server tells of the end of a process a moment after it.
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class ForkedChild(ChildProcess):
    """A child process. The command `segments` is forked."""

    def _spawn(
        self, command: Sequence[str], environment: Mapping[str, str] | None
    ) -> "subprocess.Popen[bytes]":
        program, *arguments = command
        if program != "segments":
            return super()._spawn(command, environment)
        log, no_input = self._open_log(), os.open(os.devnull, os.O_RDONLY)
        try:
            streams = (no_input, log, log)
            forked = ForkedProgram(arguments, Path.cwd(), environment or os.environ, streams)
            return cast("subprocess.Popen[bytes]", forked)
        finally:
            os.close(log)
            os.close(no_input)


def run_segments(
    arguments: Sequence[str], folder: Path, environment: Mapping[str, str], stdin: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Runs `segments` in the folder, with `stdin` from a pipe; returns its exit status and output.

    Raises TimeoutExpired after a minute.
    """
    program_end, own_end = Pipe(duplex=False)
    with TemporaryFile() as output, TemporaryFile() as error:
        with own_end:
            with program_end:
                streams = (program_end.fileno(), output.fileno(), error.fileno())
                program = ForkedProgram(arguments, folder, environment, streams)
            with suppress(BrokenPipeError):
                _write_all(own_end.fileno(), stdin)
        status = program.wait(COMMAND_SECONDS)
        for file in (output, error):
            file.seek(0)
        return subprocess.CompletedProcess(arguments, status, output.read(), error.read())


def _write_all(file: int, content: bytes) -> None:
    written = 0
    while written < len(content):
        written += os.write(file, content[written:])


def _run(
    arguments: Sequence[str],
    folder: Path,
    environment: dict[str, str],
    connections: list[Connection],
) -> None:
    """Makes a forked process a run of `segments`."""
    _terminate_with_parent(os.getppid())
    # A collection would copy the memory that the process shares with the fork server.
    gc.freeze()
    os.setsid()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for number, connection in enumerate(connections):
        os.dup2(connection.fileno(), number)
        connection.close()
    sys.stdin = os.fdopen(0, closefd=False)
    sys.argv = ["segments", *arguments]

    from app.cli import main

    main()
