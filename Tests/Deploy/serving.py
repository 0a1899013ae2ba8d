"""A server on a port that the kernel chose."""

import http.server
import threading


class serving:
    """A server on a port that the kernel chose, for a while."""

    def __init__(self, handler: type):
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)

    def __enter__(self) -> str:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
