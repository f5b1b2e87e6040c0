"""segments api"""

from app import logs
from app.commands import connected
from app.local import addresses

_MIB = 1024 * 1024


def run(host: str, port: int) -> None:
    settings = connected.settings()
    listener = addresses.listen(host, port)
    import uvicorn

    from app.main import create_app

    logs.set_up(settings.log_format)
    config = uvicorn.Config(
        create_app(settings),
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
        ws_max_size=_MIB,
        timeout_graceful_shutdown=3,
    )
    uvicorn.Server(config).run(sockets=[listener])
