"""A Python program with its way out of this machine barred and watched; started as a script, by itself.

``python barred.py LOG SOCKET CODE ARGUMENTS...`` runs CODE as if it were the program. Whatever it tries to reach
besides this machine is refused and written to LOG, a line each. Where the system lets it, it has a network of its own
with nothing but a loopback, which also bars code that is not Python's; then its port is reached from outside through
the UNIX socket SOCKET, since files are what both sides share.
"""

import ctypes
import fcntl
import ipaddress
import os
import socket
import struct
import sys
import threading
from pathlib import Path
from typing import Any

ALONE = "alone"
"""First line of the log where the program has a network of its own."""

_CLONE_NEWNET = 0x40000000
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 0x1
_WATCHED = ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname")


def is_here(host: object) -> bool:
    """Whether a host, as a program names it, is this machine."""
    if host in (None, "", b"", "localhost", b"localhost"):
        return True
    try:
        return ipaddress.ip_address(host.decode() if isinstance(host, bytes) else str(host)).is_loopback
    except ValueError:
        return False


def watch(log: Path) -> None:
    """Refuse and note everything that leads elsewhere; for the rest of this process."""

    def hook(event: str, given: tuple[Any, ...]) -> None:
        if event in _WATCHED:
            named = given[1] if event.startswith(("socket.connect", "socket.send")) else given[0]
            host = named[0] if isinstance(named, tuple) else named if "get" in event else None
            if not is_here(host):
                with log.open("a") as file:
                    file.write(f"{event} {host!r}\n")
                raise OSError(f"barred: {event} {host!r}")

    sys.addaudithook(hook)


def alone() -> bool:
    """Give this process a network of its own, with a loopback; False where that is not permitted."""
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNET) != 0:
        return False
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_:
        fcntl.ioctl(any_, _SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", _IFF_UP))
    return True


def relay(listening: socket.socket, family: int, address: Any) -> None:
    """Pass every connection on to an address, in threads that end with the process or with `listening`."""

    def pump(source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            source.close()
            target.close()

    def serve() -> None:
        while True:
            try:
                near, _ = listening.accept()
            except OSError:
                return
            far = socket.socket(family)
            try:
                far.connect(address)
            except OSError:
                near.close()
                continue
            for ends in ((near, far), (far, near)):
                threading.Thread(target=pump, args=ends, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()


def main() -> None:
    """See above."""
    log, path, code, *arguments = sys.argv[1:]
    sys.path.pop(0)  # this folder
    if alone():
        Path(log).write_text(f"{ALONE}\n")
        port = int(arguments[arguments.index("--port") + 1]) if "--port" in arguments else 0
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(path)
        listening.listen(64)
        relay(listening, socket.AF_INET, ("127.0.0.1", port))
    else:
        Path(log).write_text(f"not alone: {os.strerror(ctypes.get_errno())}\n")
    watch(Path(log))
    sys.argv = ["sitewatch", *arguments]
    exec(compile(code, "<barred>", "exec"), {"__name__": "__main__"})


if __name__ == "__main__":
    main()
