"""What notifications are sent to: a webhook and a mail server on loopback, which keep what they get."""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Received(list[str]):
    """The texts that arrived, and the port on which they do."""

    port = 0


@contextmanager
def _listening(server: socketserver.TCPServer, received: Received) -> Iterator[Received]:
    received.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield received
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def webhook() -> Iterator[Received]:
    """A webhook: the type, the subject and the text of each message."""
    received = Received()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            received.append(f"[{message['type']}] {message['title']}\n{message['message']}")
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server, _listening(server, received):
        yield received


@contextmanager
def mail_server() -> Iterator[Received]:
    """A mail server: the subject and the text of each message."""
    received = Received()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 test\r\n")
            for line in self.rfile:
                verb = line[:4].upper()
                self.wfile.write({b"DATA": b"354 go on\r\n", b"QUIT": b"221 bye\r\n"}.get(verb, b"250 ok\r\n"))
                if verb == b"QUIT":
                    return
                if verb == b"DATA":
                    message = message_from_bytes(b"".join(iter(self.rfile.readline, b".\r\n")), policy=default)
                    body = message.get_body(("plain", "html"))
                    received.append(f"{message['Subject']}\n{body.get_content() if body else ''}")
                    self.wfile.write(b"250 ok\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server, _listening(server, received):
        yield received
