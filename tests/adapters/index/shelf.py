"""Indexes on loopback that answer in the documents of the real ones."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote

from keelway.adapters.index.registry import RegistryIndex
from keelway.core.package.package import Ecosystem
from keelway.testing.fakes.index import Release

NAMES = {
    Ecosystem.PYPI: "slixmpp",
    Ecosystem.NPM: "@xmpp/client",
    Ecosystem.PACKAGIST: "norgul/xmpp-php",
}


class Indexes:
    """Hold documents by path and what was asked."""

    def __init__(self, world: Ecosystem, url: str) -> None:
        self.world, self.url, self.name = world, url, NAMES[world]
        self.documents: dict[str, tuple[int, bytes]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.silent = False
        self.seconds = 0.0
        addresses = {"pypi": f"{url}/simple", "npm": f"{url}/npm", "packagist": f"{url}/php"}
        self.index = RegistryIndex(addresses)

    def publish(self, ecosystem: Ecosystem, name: str, *releases: Release) -> None:
        documents = {"pypi": python_documents, "npm": node_documents, "packagist": php_documents}
        for path, document in documents[ecosystem](self.url, name, releases).items():
            self.put(path, document)

    def put(self, path: str, document: Any, status: int = 200) -> None:
        body = document if isinstance(document, str) else json.dumps(document)
        self.documents[path] = (status, body.encode())

    def fall_silent(self) -> None:
        self.silent = True


def python_documents(url: str, name: str, releases: tuple[Release, ...]) -> dict[str, Any]:
    """Write PEP 691 with the fields of PEP 700 and 714, and the core metadata of each wheel."""
    files, documents = [], {}
    for each in releases:
        wheel = f"{name}-{each.version}-py3-none-any.whl"
        path = f"/files/{wheel}"
        files += [
            {
                "filename": filename,
                "url": f"{url}/files/{filename}",
                "hashes": {},
                "requires-python": each.supports.removeprefix("Python ") or None,
                "upload-time": each.at.isoformat().replace("+00:00", "Z"),
                "yanked": each.withdrawn or False,
                "core-metadata": {"sha256": "0"} if filename == wheel else False,
            }
            for filename in (wheel, f"{name}-{each.version}.tar.gz")
        ]
        documents[f"{path}.metadata"] = (
            f"Metadata-Version: 2.4\nName: {name}\nLicense-Expression: {each.licence}\n\nText.\n"
        )
    versions = [each.version for each in releases]
    page = {"meta": {"api-version": "1.1"}, "name": name, "versions": versions, "files": files}
    return {**documents, f"/simple/{name}/": page}


def node_documents(_url: str, name: str, releases: tuple[Release, ...]) -> dict[str, Any]:
    """Write the registry's document of a package."""
    versions = {
        each.version: {
            "name": name,
            "version": each.version,
            "license": each.licence,
            "engines": {"node": each.supports.removeprefix("Node ")},
            **({"deprecated": each.withdrawn} if each.withdrawn else {}),
        }
        for each in releases
    }
    times = {each.version: each.at.isoformat().replace("+00:00", "Z") for each in releases}
    created = releases[0].at.isoformat().replace("+00:00", "Z")
    document = {
        "name": name,
        "dist-tags": {"latest": releases[-1].version},
        "time": {"created": created, "modified": created, **times},
        "versions": versions,
        "license": releases[-1].licence,
    }
    return {f"/npm/{quote(name, safe='@')}": document}


def php_documents(_url: str, name: str, releases: tuple[Release, ...]) -> dict[str, Any]:
    """Write Composer's second metadata format in its shortened form, newest first."""
    listed: list[dict[str, Any]] = []
    before: dict[str, Any] = {}
    for each in reversed(releases):
        whole: dict[str, Any] = {
            "version": f"v{each.version}",
            "time": each.at.isoformat(),
            "license": [each.licence],
        }
        if each.supports:
            whole["require"] = {"php": each.supports.removeprefix("PHP ")}
        if each.withdrawn:
            whole["abandoned"] = each.withdrawn
        entry = {key: value for key, value in whole.items() if before.get(key) != value}
        entry |= {key: "__unset" for key in before if key not in whole}
        listed.append(entry)
        before = whole
    listed[0]["name"] = name
    return {f"/php/p2/{name}.json": {"packages": {name: listed}, "minified": "composer/2.0"}}


@contextmanager
def indexes(world: Ecosystem) -> Iterator[Indexes]:
    class App(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            shelf.asked.append((self.path, dict(self.headers)))
            time.sleep(shelf.seconds)
            status, body = (503, b"later") if shelf.silent else shelf.documents.get(self.path, (404, b"{}"))
            try:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                pass

        def log_message(self, *words: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), App) as server:
        shelf = Indexes(world, f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield shelf
        finally:
            server.shutdown()
            thread.join()
