"""The adapter as a process: it takes its port, serves, and ends when it is told to."""

import socket
import sys

import uvicorn

from tmf_adapter.api.dialects import BadDialect
from tmf_adapter.api.protocol import BoundedProtocol
from tmf_adapter.api.server import settle
from tmf_adapter.app import Adapter
from tmf_adapter.mapping.document import BadMapping
from tmf_adapter.mapping.lint import report_lines
from tmf_adapter.recovery.registry import BadDownstreams
from tmf_adapter.settings import BadSetting, Settings, unusable
from tmf_adapter.tmf.errors import AdapterError

SHUTDOWN_SECONDS = 5


def serve(settings: Settings) -> int:
    """Run the adapter until it is told to stop; the exit code. Raises ``BadSetting``.

    The port is taken before the adapter starts: one that is started twice by mistake takes nothing up.
    """
    try:
        adapter = Adapter(settings)
    except BadDownstreams as error:
        raise BadSetting(f"the downstreams have faults, nothing was started\n{error}") from error
    except BadDialect as error:
        raise BadSetting(f"the dialects have faults, nothing was started\n{error}") from error
    except BadMapping as error:
        print("tmf-adapter: the mappings have faults, nothing was started", file=sys.stderr)
        print("\n".join(report_lines(error.faults)), file=sys.stderr)
        return 2
    except AdapterError as error:
        raise unusable(settings.database, error) from error
    try:
        sockets = bound(settings.host, settings.port)
    except BadSetting:
        adapter.database.close()
        raise
    application = adapter.asgi()
    settle()
    server = uvicorn.Server(
        uvicorn.Config(
            application,
            host=settings.host,
            port=settings.port,
            loop="uvloop",
            http=BoundedProtocol,
            ws="none",
            access_log=False,
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        )
    )
    server.run(sockets=sockets)
    return 0 if server.started else 1


def bound(host: str, port: int) -> list[socket.socket]:
    """Sockets that will listen at every address of ``host``. Raises ``BadSetting``."""
    sockets: list[socket.socket] = []
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, kind, protocol, _, address in dict.fromkeys(found):
            sockets.append(socket.socket(family, kind, protocol))
            sockets[-1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                sockets[-1].setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sockets[-1].bind(address)
    except (OSError, UnicodeError) as error:
        for each in sockets:
            each.close()
        said = error.strerror if isinstance(error, OSError) else "is no name of a host"
        raise BadSetting(f"nobody can listen at {host} port {port}: {said}") from error
    return sockets
