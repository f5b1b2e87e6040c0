"""Finds a port for a server of a test."""

import secrets
import socket

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """Returns a free port below the range of outgoing connections, so that it stays free in a
    restart."""
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with socket.socket() as candidate:
            candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                candidate.bind((LOOPBACK, port))
            except OSError:
                continue
        return port
