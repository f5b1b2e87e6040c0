"""One program that runs beside ours: started, watched, ended, never left behind."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from app.errors import Unusable

_LOG_BYTES = 16 * 1024 * 1024
_PR_SET_PDEATHSIG = 1
_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


class Process:
    """A program with a pid file in its folder, by which a later start finds what a crash left.

    Start it from the main thread: the kernel ends it when the thread that forked it ends.
    """

    def __init__(self, name: str, folder: Path, *, logs_to_file: bool = True) -> None:
        self.name = name
        self.folder = folder
        self.log = folder / f"{name}.log" if logs_to_file else None
        self._pid_file = folder / f"{name}.pid"
        self._child: subprocess.Popen[bytes] | None = None

    def run(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            self._child = self._spawn(command, environment)
        except OSError as error:
            raise Unusable(f"{command[0]} does not run here: {error.strerror}") from error
        self._pid_file.write_text(f"{self._child.pid}\n{_mark(command)}")

    def _spawn(
        self, command: Sequence[str], environment: Mapping[str, str] | None
    ) -> subprocess.Popen[bytes]:
        parent = os.getpid()
        output = self._open_log() if self.log else None
        try:
            return subprocess.Popen(  # noqa: S603 - our own parts, no shell
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # A Ctrl-C goes to us alone, so that the parts are stopped in order.
                start_new_session=True,
                preexec_fn=lambda: _die_with(parent),
            )
        finally:
            if output is not None:
                os.close(output)

    def _open_log(self) -> int:
        assert self.log
        if self.log.exists() and self.log.stat().st_size > _LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        return os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child else None

    @property
    def status(self) -> int | None:
        """The exit status, negative for a signal; None while it runs."""
        return self._child.poll() if self._child else 0

    def wait_until(self, holds: Callable[[], bool], seconds: float = 60) -> None:
        """Blocks until it is as it should be; gives up when the program has ended."""
        deadline = time.monotonic() + seconds
        while not holds():
            if self.status is not None:
                raise Unusable(f"{self.name} ended with {self.ending()}{self._last_words()}")
            if time.monotonic() > deadline:
                raise Unusable(f"{self.name} is not ready after {seconds:g} s{self._last_words()}")
            time.sleep(0.02)

    def ending(self) -> str:
        status = self.status or 0
        return f"signal {-status}" if status < 0 else f"status {status}"

    def _last_words(self) -> str:
        if not self.log or not self.log.exists():
            return ""
        last = self.log.read_text(errors="replace")[-4000:].strip().rpartition("\n")[2]
        # mongod's own lines are JSON: nothing to show a person.
        return f"; see {self.log}" if last[:1] in ("", "{") else f": {last[:200]}"

    def stop(self, seconds: float = 5) -> None:
        """Asks, waits, then insists."""
        if self._child:
            self._child.terminate()
            try:
                self._child.wait(seconds)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait()
        self._pid_file.unlink(missing_ok=True)

    def end_leftover(self, seconds: float = 5) -> None:
        """Ends what an earlier start left running here: only if it is the program that we wrote."""
        try:
            pid, mark = self._pid_file.read_text().split("\n", 1)
            left = int(pid)
        except (OSError, ValueError):
            return
        # On its way out it has no command line any more, but still its port and its locks.
        ours = (mark, "")
        for ask in (signal.SIGTERM, signal.SIGKILL):
            if _command_of(left) == mark and left != os.getpid():
                with suppress(ProcessLookupError):
                    os.kill(left, ask)
            deadline = time.monotonic() + seconds
            while _lives(left) and _command_of(left) in ours and time.monotonic() < deadline:
                time.sleep(0.02)
        self._pid_file.unlink(missing_ok=True)


def _die_with(parent: int) -> None:
    if _prctl is None:
        return
    _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it died before we could ask
        os._exit(1)


def _mark(command: Sequence[str]) -> str:
    return " ".join(command)


def _lives(pid: int) -> bool:
    if sys.platform != "linux":
        return bool(_command_of(pid))
    # The last thread to end closes the files, and the first may long be a zombie by then.
    return any(_state(stat) not in "ZX" for stat in Path(f"/proc/{pid}/task").glob("*/stat"))


def _state(stat: Path) -> str:
    try:
        return stat.read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "X"


def _command_of(pid: int) -> str:
    if sys.platform == "linux":
        try:
            line = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return ""
        return line.rstrip(b"\0").replace(b"\0", b" ").decode(errors="replace")
    command = ["ps", "-ww", "-o", "command=", "-p", str(pid)]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return asked.stdout.strip()
