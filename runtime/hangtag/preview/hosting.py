"""Where the server runs: in a process of its own, or, where sockets cannot be handed to one, in a thread."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import threading

from hangtag import child
from hangtag.errors import OutputError
from hangtag.preview import server, wire

_PATIENCE_S = 2.0
_END_S = 0.2


class Server:
    """The connection to whatever serves."""

    def __init__(self, listener: socket.socket) -> None:
        self._channel, theirs = socket.socketpair()
        self._channel.settimeout(_PATIENCE_S)
        self._looked_at = False
        self._start(listener, theirs)

    def _start(self, listener: socket.socket, theirs: socket.socket) -> None:
        """Start to serve; take ``theirs`` over, and leave ``listener`` open."""
        raise NotImplementedError

    def _wait(self) -> None:
        """Wait for the end, not for long."""
        raise NotImplementedError

    def send(self, message: bytes) -> None:
        """Send a message.

        Raises:
            OSError: nobody takes it.
        """
        self._channel.sendall(message)

    def looked_at(self) -> bool:
        """Return whether somebody looks at the picture."""
        self._channel.settimeout(0)
        with contextlib.suppress(OSError):  # nothing new; an end is noticed by what is sent
            said = self._channel.recv(64)
            self._looked_at = said[-1:] == wire.LOOKED_AT
        self._channel.settimeout(_PATIENCE_S)
        return self._looked_at

    def end(self) -> None:
        """Let it end."""
        self._channel.close()
        self._wait()


class ServerProcess(Server):
    """It serves in a process of its own."""

    def _start(self, listener: socket.socket, theirs: socket.socket) -> None:
        descriptors = (listener.fileno(), theirs.fileno())
        try:
            self._process = subprocess.Popen(
                child.command(server.__name__, *map(str, descriptors), str(os.getpid())),
                pass_fds=descriptors,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                # Ctrl-C is meant for the loop, which ends this process in its turn.
                start_new_session=True,
            )
        except OSError as error:
            raise OutputError(f"its server cannot be started: {error.strerror or error}") from None
        finally:
            theirs.close()

    def _wait(self) -> None:
        # It holds nothing that could be lost, and its own end takes long where the machine is busy.
        self._process.kill()
        self._process.wait()


class ServerThread(Server):
    """It serves in a thread, where sockets cannot be handed to a process."""

    def _start(self, listener: socket.socket, theirs: socket.socket) -> None:
        self._thread = threading.Thread(
            target=server.serve, args=(listener.dup(), theirs, os.getpid()), name="hangtag-serve", daemon=True
        )
        self._thread.start()

    def _wait(self) -> None:
        self._thread.join(_END_S)
