"""A real HTTP server that misbehaves as the name of what is asked for says."""

import http.server
import time
from dataclasses import dataclass, field

PDF = b"%PDF-1.4 " + b"x" * 5000


@dataclass
class Seen:
    """What a server was asked."""

    requests: list[tuple[str, str | None]] = field(default_factory=list)


class Handler(http.server.BaseHTTPRequestHandler):
    seen: Seen
    elsewhere: str = ""

    def do_GET(self) -> None:
        self.seen.requests.append((self.path, self.headers.get("Authorization")))
        name = self.path.rsplit("/", 1)[-1]
        if name.startswith("status-"):
            self.send_error(int(name.removeprefix("status-")))
        elif name == "redirect.pdf":
            self.send_response(302)
            self.send_header("Location", f"{self.elsewhere}/stolen.pdf")
            self.end_headers()
        elif name == "cut.pdf":
            self.send_response(200)
            self.send_header("Content-Length", str(len(PDF) * 2))
            self.send_header("Last-Modified", "Mon, 06 Jan 2025 08:00:00 GMT")
            self.send_header("ETag", '"1"')
            self.end_headers()
            self.wfile.write(PDF)
        elif name == "drip.pdf":
            self.send_response(200)
            self.send_header("Content-Length", str(len(PDF)))
            self.send_header("Last-Modified", "Mon, 06 Jan 2025 08:00:00 GMT")
            self.end_headers()
            for start in range(0, len(PDF), 100):
                self.wfile.write(PDF[start : start + 100])
                self.wfile.flush()
                time.sleep(0.1)
        else:
            self.send_response(200)
            self.send_header("Content-Length", str(len(PDF)))
            self.send_header("Last-Modified", "Mon, 06 Jan 2025 08:00:00 GMT")
            self.send_header("ETag", '"1"')
            self.end_headers()
            self.wfile.write(PDF)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
