"""A real HTTP server that speaks the chat API, well or badly, as a test tells it."""

import gzip
import http.server
import json
import re
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

END = re.compile(r"<<<FIN [0-9a-f]{8}>>>")
Handler = http.server.BaseHTTPRequestHandler
Reply = Callable[["_Exchange"], None]


@dataclass
class Asked:
    """One request as the server saw it."""

    path: str
    headers: dict[str, str]
    body: dict[str, object]
    at: float = field(default_factory=time.monotonic)

    @property
    def words(self) -> str:
        """All text of the question."""
        found = []
        for message in self.body["messages"]:  # type: ignore[attr-defined]
            content = message["content"]
            parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
            found += [part["text"] for part in parts if part["type"] == "text"]
        return "\n".join(found)

    @property
    def end(self) -> str:
        """The line that ends a whole answer to this question."""
        found = END.findall(self.words)
        return str(found[-1]) if found else ""


@dataclass
class _Exchange:
    handler: Handler
    asked: Asked

    def send(self, body: bytes, status: int = 200, **headers: str) -> None:
        self.handler.send_response(status)
        names = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        for name, value in {**names, **headers}.items():
            self.handler.send_header(name.replace("_", "-"), value)
        self.handler.end_headers()
        self.handler.wfile.write(body)


def completion(
    text: str | None,
    finish: str = "stop",
    usage: tuple[int, int] | None = (1000, 100),
    **more: object,
) -> bytes:
    document: dict[str, object] = {
        "id": "1", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "finish_reason": finish,
                     "message": {"role": "assistant", "content": text, **more}}],
    }  # fmt: skip
    if usage:
        asked, written = usage
        document["usage"] = {"prompt_tokens": asked, "completion_tokens": written,
                             "total_tokens": asked + written}  # fmt: skip
    return json.dumps(document).encode()


def good(
    text: str = "Vente du lot 1 234 567", usage: tuple[int, int] | None = (1000, 100)
) -> Reply:
    """The whole page."""
    return lambda e: e.send(completion(f"{text}\n{e.asked.end}", usage=usage))


def cut(text: str, finish: str = "length") -> Reply:
    """A part of the page, without its end."""
    return lambda e: e.send(completion(text, finish))


def refusal() -> Reply:
    return lambda e: e.send(completion(None, refusal="I cannot help with that"))


def filtered() -> Reply:
    return lambda e: e.send(completion("Vente du", "content_filter"))


def status(code: int, message: str = "no", error_code: str | None = None, **headers: str) -> Reply:
    body = json.dumps({"error": {"message": message, "type": "x", "code": error_code}}).encode()
    return lambda e: e.send(body, code, **headers)


def raw(body: bytes, **headers: str) -> Reply:
    return lambda e: e.send(body, **headers)


def packed(text: str) -> Reply:
    return lambda e: e.send(gzip.compress(completion(text)), Content_Encoding="gzip")


def slow(seconds: float, then: Reply) -> Reply:
    def reply(exchange: _Exchange) -> None:
        time.sleep(seconds)
        then(exchange)

    return reply


def drip(seconds: float) -> Reply:
    """An answer that comes byte by byte and never ends in time."""

    def reply(exchange: _Exchange) -> None:
        exchange.handler.send_response(200)
        exchange.handler.send_header("Content-Length", "100000")
        exchange.handler.end_headers()
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            exchange.handler.wfile.write(b" ")
            exchange.handler.wfile.flush()
            time.sleep(0.05)

    return reply


def flood() -> Reply:
    """An answer without end."""

    def reply(exchange: _Exchange) -> None:
        exchange.handler.send_response(200)
        exchange.handler.end_headers()
        while True:
            exchange.handler.wfile.write(b" " * 100_000)

    return reply


def hang_up() -> Reply:
    def reply(exchange: _Exchange) -> None:
        exchange.handler.close_connection = True
        exchange.handler.connection.shutdown(socket.SHUT_RDWR)

    return reply


class VisionServer:
    """Gives the replies of `script` one after the other, then `always`."""

    def __init__(self) -> None:
        self.script: deque[Reply] = deque()
        self.always: Reply = good()
        self.asked: list[Asked] = []
        self.most_at_once = 0
        self._now = 0
        self._lock = threading.Lock()
        server = self

        class OwnHandler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                server._reply(self)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), OwnHandler)
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}/v1/"

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def _reply(self, handler: Handler) -> None:
        body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        asked = Asked(handler.path, {k.lower(): v for k, v in handler.headers.items()}, body)
        with self._lock:
            self.asked.append(asked)
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
            reply = self.script.popleft() if self.script else self.always
        try:
            reply(_Exchange(handler, asked))
        except (BrokenPipeError, ConnectionError):
            handler.close_connection = True
        except OSError:
            handler.close_connection = True
        finally:
            with self._lock:
                self._now -= 1
