"""A child process that leaves nothing running, even after a crash of its parent."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from app.errors import SetupError

_MAX_LOG_BYTES = 16 * 1024 * 1024
_PR_SET_PDEATHSIG = 1
_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


class ChildProcess:
    """A program with a pid file in its folder, by which the next start finds a leftover process.

    Start it from the main thread: Linux ends the child when the thread that forked it ends.
    """

    def __init__(self, name: str, folder: Path, *, logs_to_file: bool = True) -> None:
        self.name = name
        self.folder = folder
        self.log_file = folder / f"{name}.log" if logs_to_file else None
        self._pid_file = folder / f"{name}.pid"
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        """Starts the program and writes the pid file. Raises SetupError if it can't do either, for
        example because the disk is full."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            self._process = self._spawn(command, environment)
        except OSError as error:
            raise SetupError(f"can't run {command[0]}: {error.strerror}") from error
        try:
            self._pid_file.write_text(f"{self._process.pid}\n{_command_line(command)}")
        except OSError as error:
            # The next start would not find the process.
            self._process.kill()
            self._process.wait()
            raise SetupError(f"can't write {self._pid_file}: {error.strerror}") from error

    def _spawn(
        self, command: Sequence[str], environment: Mapping[str, str] | None
    ) -> subprocess.Popen[bytes]:
        parent_pid = os.getpid()
        output = self._open_log() if self.log_file else None
        try:
            return subprocess.Popen(  # noqa: S603 - own programs, no shell
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # Ctrl-C reaches only the parent, which then stops its children in order.
                start_new_session=True,
                preexec_fn=lambda: _terminate_with_parent(parent_pid),
            )
        finally:
            if output is not None:
                os.close(output)

    def _open_log(self) -> int:
        assert self.log_file
        if self.log_file.exists() and self.log_file.stat().st_size > _MAX_LOG_BYTES:
            self.log_file.replace(self.log_file.with_suffix(".log.1"))
        return os.open(self.log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def exit_status(self) -> int | None:
        """The exit status, negative for a signal; None while the process runs."""
        return self._process.poll() if self._process else 0

    def wait_until(self, condition: Callable[[], bool], timeout_seconds: float = 60) -> None:
        """Blocks until the condition holds.

        Raises SetupError if the process ends, or at the timeout.
        """
        deadline = time.monotonic() + timeout_seconds
        while not condition():
            if self.exit_status is not None:
                raise SetupError(
                    f"{self.name} ended with {self.exit_reason()}{self._log_excerpt()}"
                )
            if time.monotonic() > deadline:
                raise SetupError(
                    f"{self.name} is not ready after {timeout_seconds:g} s{self._log_excerpt()}"
                )
            time.sleep(0.02)

    def exit_reason(self) -> str:
        status = self.exit_status or 0
        return f"signal {-status}" if status < 0 else f"status {status}"

    def _log_excerpt(self) -> str:
        if not self.log_file or not self.log_file.exists():
            return ""
        last_line = self.log_file.read_text(errors="replace")[-4000:].strip().rpartition("\n")[2]
        # The log lines of mongod are JSON, and too long for a message.
        return f"; see {self.log_file}" if last_line[:1] in ("", "{") else f": {last_line[:200]}"

    def stop(self, timeout_seconds: float = 5) -> None:
        """Sends SIGTERM, and SIGKILL after the timeout."""
        if self._process:
            self._process.terminate()
            try:
                self._process.wait(timeout_seconds)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._pid_file.unlink(missing_ok=True)

    def stop_leftover(self, timeout_seconds: float = 5) -> None:
        """Ends the process of the pid file, unless its id now belongs to another program."""
        try:
            pid_text, command_line = self._pid_file.read_text().split("\n", 1)
            leftover_pid = int(pid_text)
        except (OSError, ValueError):
            return
        # An ending process has no command line any more, but still its port and its locks.
        expected_command_lines = (command_line, "")
        for signal_number in (signal.SIGTERM, signal.SIGKILL):
            if _read_command_line(leftover_pid) == command_line and leftover_pid != os.getpid():
                with suppress(ProcessLookupError):
                    os.kill(leftover_pid, signal_number)
            deadline = time.monotonic() + timeout_seconds
            while (
                _is_alive(leftover_pid)
                and _read_command_line(leftover_pid) in expected_command_lines
                and time.monotonic() < deadline
            ):
                time.sleep(0.02)
        self._pid_file.unlink(missing_ok=True)


def _terminate_with_parent(parent_pid: int) -> None:
    if _prctl is None:
        return
    _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent_pid:  # the parent died before prctl
        os._exit(1)


def _command_line(command: Sequence[str]) -> str:
    return " ".join(command)


def _is_alive(pid: int) -> bool:
    if sys.platform != "linux":
        return bool(_read_command_line(pid))
    # Files stay open until the last thread ends; the first may be a zombie by then.
    return any(
        _thread_state(stat_file) not in "ZX"
        for stat_file in Path(f"/proc/{pid}/task").glob("*/stat")
    )


def _thread_state(stat_file: Path) -> str:
    try:
        return stat_file.read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "X"


def _read_command_line(pid: int) -> str:
    if sys.platform == "linux":
        try:
            command_line = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return ""
        return command_line.rstrip(b"\0").replace(b"\0", b" ").decode(errors="replace")
    command = ["ps", "-ww", "-o", "command=", "-p", str(pid)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return result.stdout.strip()
