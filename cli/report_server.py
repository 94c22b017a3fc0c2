"""The reports of a folder on loopback: `python -m cli.report_server`, a process of `up`. The pages in Prefect link to it."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from cli.prefect_server import any_free_port
from migration.settings import read_settings

#: Reports, of the default database and of named ones: ids, counts and names of operators. Plans, exports and lists of problems are in the
#: same folder and are not served.
SERVED = re.compile(r"/(?:[a-z0-9-]+/)?(?:index\.html|[^/]+-run-\d+/(?:report\.html|findings\.csv|gates/\w+\.json))?")
LOOPBACK = {"127.0.0.1", "localhost"}


class Reports(SimpleHTTPRequestHandler):
    """Serves reports, their findings and gates, and the list of reports; nothing else of the folder, and only under a name of loopback."""

    def send_head(self) -> BytesIO | BinaryIO | None:
        """Begin the response; a page of another site that points its own name to this address gets nothing."""
        asked = unquote(self.path.partition("?")[0].partition("#")[0])  # as the file is looked up
        if self.headers.get("Host", "").partition(":")[0] not in LOOPBACK:
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST)
        elif SERVED.fullmatch(asked):
            return super().send_head()
        else:
            self.send_error(HTTPStatus.NOT_FOUND)
        return None

    def list_directory(self, path: object) -> None:
        """Refuse: a folder without a list of reports has none yet."""
        self.send_error(HTTPStatus.NOT_FOUND, "There is no report in this folder yet.")

    def end_headers(self) -> None:
        """Keep nothing in a cache: a report is written again when somebody has reviewed it."""
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()


def report_server(folder: Path, port: int) -> ThreadingHTTPServer:
    """Return a server of the reports in the folder, which listens on loopback."""
    return ThreadingHTTPServer(("127.0.0.1", port), partial(Reports, directory=str(folder)))


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve the folder during the block, by a thread of this process; gives the address."""
    with report_server(folder, any_free_port()) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def main() -> None:
    """Serve the folder in ARTWORK_REPORTS at the address in ARTWORK_REPORTS_URL until the process is ended."""
    settings = read_settings()
    report_server(settings.reports, urlsplit(settings.reports_url or "").port or 0).serve_forever()


if __name__ == "__main__":
    main()
