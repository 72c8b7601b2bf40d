"""A server of one repository that answers as Hugging Face does, as far as it is asked; it may break off."""

import hashlib
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

COMMIT = "c0ffee" * 6 + "c0ff"


class Hub:
    """
    Attributes:
        asked: method, path and range of each request.
        shown: the passwords that came with them.
        breaks: bytes after which a file of weights breaks off; None: it does not.
        damaged: the path of a file of which another content is sent.
        moved: whether the newest commit is another one by now.
    """

    def __init__(self, repository: str, folder: Path):
        self.repository, self.folder = repository, folder
        self.asked: list[tuple[str, str, str]] = []
        self.shown: set[str | None] = set()
        self.breaks: int | None = None
        self.damaged, self.moved = "", False

    def files(self) -> dict[str, bytes]:
        paths = (path for path in self.folder.rglob("*") if path.is_file())
        return {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in paths}

    def tree(self) -> list[dict]:
        found = []
        for path, content in self.files().items():
            blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
            entry = {"type": "file", "path": path, "size": len(content), "oid": blob}
            if path.endswith(".safetensors"):
                digest = hashlib.sha256(content).hexdigest()
                entry["lfs"] = {"oid": digest, "size": len(content), "pointerSize": 134}
            found.append(entry)
        return found


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def do_GET(self):
        path = urlsplit(self.path).path
        if path.startswith(f"/api/models/{self.hub.repository}/revision/"):
            asked = path.rsplit("/", 1)[1]
            newest = "beef" * 10 if self.hub.moved else COMMIT
            commit = newest if asked == "main" else asked
            self._json({"id": self.hub.repository, "modelId": self.hub.repository, "sha": commit})
        elif path.startswith(f"/api/models/{self.hub.repository}/tree/{COMMIT}"):
            self._json(self.hub.tree())
        else:
            self._file()

    def _json(self, content) -> None:
        self._note()
        body = json.dumps(content).encode()
        self._answer(200, len(body), {"Content-Type": "application/json"})
        self.wfile.write(body)

    def _file(self) -> None:
        self._note()
        path = unquote(urlsplit(self.path).path).removeprefix(f"/{self.hub.repository}/resolve/{COMMIT}/")
        content = self.hub.files().get(path)
        if content is None:
            self._answer(404, 0, {})
            return
        if path == self.hub.damaged:
            content = bytes(reversed(content))
        begin = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")[0])
        whole = {"Content-Range": f"bytes {begin}-{len(content) - 1}/{len(content)}"}
        self._answer(206 if begin else 200, len(content) - begin, whole if begin else {})
        breaks = self.hub.breaks
        if breaks is not None and path.endswith(".safetensors"):
            self.wfile.write(content[begin:breaks])
            self.close_connection = True
        else:
            self.wfile.write(content[begin:])

    def _note(self) -> None:
        self.hub.shown.add(self.headers.get("Authorization"))
        self.hub.asked.append((self.command, self.path, self.headers.get("Range", "")))

    def _answer(self, status: int, length: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(length), **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_):
        pass


@contextmanager
def serving(repository: str, folder: Path):
    """The hub and its address."""
    hub = Hub(repository, folder)
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
