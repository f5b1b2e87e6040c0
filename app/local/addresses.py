"""Where our own server listens."""

import socket

from app.errors import SetupError
from app.host_check import is_loopback


def require_loopback(host: str) -> None:
    """Nobody is asked for a key yet, so nobody from elsewhere may come in."""
    if not is_loopback(host):
        raise SetupError(f"{host} is open to the network; until keys are built use 127.0.0.1")


def listen(host: str, port: int) -> socket.socket:
    require_loopback(host)
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
