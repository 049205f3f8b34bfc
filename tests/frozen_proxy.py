"""A way through which nothing comes any more, while every packet is still acknowledged."""

import socket
import threading
from typing import Self


class FrozenProxy:
    """Forwards TCP to a port of this host until it is frozen; it never closes or resets."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._flowing = threading.Event()
        self._flowing.set()
        self._kept: list[socket.socket] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def freeze(self) -> None:
        """Let nothing through, in either direction, for the connections that there are."""
        self._flowing.clear()

    def heal(self) -> None:
        """Let new connections through; those that were frozen stay silent for ever."""
        self._flowing = threading.Event()
        self._flowing.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()
        for kept in self._kept:
            kept.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            flowing = self._flowing
            if not flowing.is_set():
                self._kept.append(client)
                continue
            server = socket.create_connection(("127.0.0.1", self._target_port))
            self._kept += [client, server]
            for source, sink in ((client, server), (server, client)):
                threading.Thread(
                    target=self._forward, args=(source, sink, flowing), daemon=True
                ).start()

    def _forward(
        self, source: socket.socket, sink: socket.socket, flowing: threading.Event
    ) -> None:
        try:
            while data := source.recv(65536):
                if not flowing.is_set():
                    return
                sink.sendall(data)
        except OSError:
            return
        if flowing.is_set():
            sink.close()
