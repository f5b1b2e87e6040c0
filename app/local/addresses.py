"""The address that the API listens on."""

import socket

from app.errors import SetupError
from app.host_check import is_loopback


def require_protection(host: str, auth: str) -> None:
    """Raises SetupError for an address that other machines can reach without keys."""
    if auth == "off" and not is_loopback(host):
        raise SetupError(
            f"{host} can be reached from the network, and SEGMENTS_AUTH is off; use"
            " SEGMENTS_AUTH=keys, or listen on 127.0.0.1"
        )


def listen(host: str, port: int) -> socket.socket:
    """Returns a listening socket. Raises SetupError if the address is not free."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise SetupError(
            f"can't listen on {host}:{port}: {error.strerror}; choose another with --port"
        ) from error
    return listener


def url(host: str, port: int, path: str) -> str:
    return f"http://[{host}]:{port}{path}" if ":" in host else f"http://{host}:{port}{path}"
