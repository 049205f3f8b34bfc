"""What the integration tests share besides the servers."""

import http.server
import threading
from collections.abc import Iterator

import pytest
from bad_web_server import Handler, Seen


@pytest.fixture
def serve() -> Iterator[object]:
    servers: list[http.server.ThreadingHTTPServer] = []

    def start(elsewhere: str = "") -> tuple[str, Seen]:
        seen = Seen()
        handler = type("OwnHandler", (Handler,), {"seen": seen, "elsewhere": elsewhere})
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}", seen

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
