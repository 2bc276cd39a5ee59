"""A terminal of 80 columns with a real program in it (POSIX pseudo-terminals)."""

from __future__ import annotations

import errno
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.serving import PATIENCE, environment

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_COLOUR = re.compile(r"\x1b\[(?:[0-9;]*;)?(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;[0-9;]*)?m")

# Ctrl-C reaches a program through its controlling terminal only.
_PROGRAM = """
import fcntl, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from holdfast.cli import main
main()
"""


@dataclass(slots=True)
class Screen:
    """What the program wrote, and its keyboard."""

    process: subprocess.Popen[bytes]
    fd: int
    seen: str = ""
    _raw: bytearray = field(default_factory=bytearray)

    def read_until(self, wanted: str, after: int = 0) -> int:
        """Reads until `wanted` was written at or after position `after`; returns where it ends."""
        while (at := self.text.find(wanted, after)) < 0:
            assert self._more(), f"{wanted!r} never came: {self.text[after:]!r}"
        return at + len(wanted)

    def read_to_end(self) -> str:
        while self._more():
            continue
        return self.text

    def press(self, keys: str) -> None:
        os.write(self.fd, keys.encode())

    @property
    def written(self) -> str:
        return self._raw.decode("utf-8", "replace")

    @property
    def text(self) -> str:
        """Without control sequences."""
        return _CONTROL.sub("", self.written).replace("\r\n", "\n")

    @property
    def coloured(self) -> bool:
        return bool(_COLOUR.search(self.written))

    def _more(self) -> bool:
        ready, _, _ = select.select([self.fd], [], [], PATIENCE)
        assert ready, f"nothing came for {PATIENCE:g} s: {self.text!r}"
        try:
            data = os.read(self.fd, 65_536)
        except OSError as error:
            if error.errno != errno.EIO:  # how Linux says that the program has closed its end
                raise
            data = b""
        self._raw += data
        return bool(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.fd)


@contextmanager
def terminal(folder: Path, *args: str, **env: str) -> Iterator[Screen]:
    """Runs `holdfast ARGS` in `folder` in a terminal of 80 columns by 40 lines."""
    fd, inner = pty.openpty()
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 80, 0, 0))
    own = environment(TERM="xterm-256color", **env)
    del own["COLUMNS"]  # the terminal itself says how wide it is
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, *args],
        cwd=folder,
        env=own,
        stdin=inner,
        stdout=inner,
        stderr=inner,
        start_new_session=True,
    )
    os.close(inner)
    with Screen(process, fd) as screen:
        yield screen
