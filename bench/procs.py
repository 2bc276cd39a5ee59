"""Processes on their own core, and what the kernel counts of them (Linux, /proc)."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_STOP_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Cores:
    """The core of the gateway, and the one that load generator and upstream share."""

    gateway: int
    load: int

    @classmethod
    def of_this_machine(cls) -> Cores:
        """The first two that we may use. Raises RuntimeError where there are fewer."""
        allowed = sorted(os.sched_getaffinity(0))
        if len(allowed) < 2:
            raise RuntimeError("the benchmark needs two cores: one for the gateway alone")
        return cls(allowed[0], allowed[1])


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """What is started inside runs on this core, and so do its children and threads."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


_COMPLAINS = re.compile(r"error|^E: |fatal|refused", re.IGNORECASE)
_HERE_ONLY = re.compile(r"\w+://\S+|(?<![\w.])/[^\s/]+(?:/[^\s:'\")]*)+")


def complaint(output: str) -> str:
    """The line of a program's output that tells best why it failed, fit for a kept report:
    addresses and paths, which mean nothing on another machine, are left out."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if _COMPLAINS.search(line) and " log " not in line]
    told = (errors or lines or ["it said nothing"])[-1]
    return _HERE_ONLY.sub("…", told)[:200]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _parents() -> dict[int, int]:
    parents: dict[int, int] = {}
    for entry in _PROC.iterdir():
        if not entry.name.isdigit():
            continue
        fields = _fields(int(entry.name))
        if fields:
            parents[int(entry.name)] = int(fields[1])
    return parents


def _fields(pid: int) -> list[str]:
    """/proc/PID/stat from its third field on (proc(5)): a name before it may hold spaces."""
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:  # it has ended
        return []


def tree(pid: int) -> list[int]:
    """The process and all that descend from it."""
    parents = _parents()
    found = [pid]
    for each in found:  # grows while it is walked
        found.extend(child for child, parent in parents.items() if parent == each)
    return found


def resident(pid: int) -> int:
    """Bytes of memory the whole tree holds; pages that its processes share count for each."""
    return sum(int(fields[21]) * _PAGE for each in tree(pid) if (fields := _fields(each)))


def computed(pid: int) -> float:
    """Seconds that the whole tree has computed so far."""
    return sum(
        (int(fields[11]) + int(fields[12])) / _TICK
        for each in tree(pid)
        if (fields := _fields(each))
    )


def busy(core: int) -> float:
    """Seconds that this core has spent on anything so far, stolen ones too (proc_stat(5))."""
    for line in (_PROC / "stat").read_text().splitlines():
        name, *spent = line.split()
        if name == f"cpu{core}":
            user, nice, system, _idle, _iowait, *interrupts = map(int, spent[:8])
            return (user + nice + system + sum(interrupts)) / _TICK
    raise ValueError(core)


class Server:
    """A child process that serves; its output goes to a file."""

    def __init__(
        self, argv: Sequence[str], core: int, log: Path, env: Mapping[str, str], cwd: Path
    ) -> None:
        self._log = log
        with on_core(core), log.open("wb") as sink:
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                env=dict(os.environ) | dict(env),
                cwd=cwd,
                start_new_session=True,  # a group of its own, so that stopping reaches all of it
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def last_words(self) -> str:
        """What it said last of an error, for the report."""
        return complaint(self._log.read_text(errors="replace"))

    def stop(self) -> None:
        """SIGTERM, and after a while SIGKILL, to the process and all it started."""
        self._signal(signal.SIGTERM)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        self._signal(signal.SIGKILL)
        self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            pass
