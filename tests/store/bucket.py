"""A small object store that speaks the S3 protocol over HTTP and checks every signature, in memory.

Signatures: AWS Signature Version 4, "Create a signed AWS API request" of the IAM user guide.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.sax.saxutils import escape

KEY, SECRET, REGION = "AKIATESTS", "a secret of the tests", "eu-test-1"
PAGE = 3
"""Objects on one page of a listing: few, so that the tests see several pages."""


@dataclass
class Bucket:
    """Serve one bucket until ``stop``; ``broken`` answers every request with an error."""

    name: str = "artefacts"
    objects: dict[str, tuple[bytes, datetime]] = field(default_factory=dict)
    broken: bool = False

    def __post_init__(self) -> None:
        bucket = self

        class Answer(_Answer):
            store = bucket

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def environment(self) -> dict[str, str]:
        """Return the variables that lead a client here."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
        }

    def stop(self) -> None:
        """End; whoever asks from now on finds nobody."""
        self.server.shutdown()
        self.server.server_close()


class _Answer(BaseHTTPRequestHandler):
    store: Bucket
    protocol_version = "HTTP/1.1"

    def log_message(self, *_words: object) -> None:
        """Say nothing."""

    def do_PUT(self) -> None:
        body = self._body()
        if self._refused(body):
            return
        self.store.objects[self._key()] = (body, datetime.now(UTC))
        self._say(200, headers={"ETag": f'"{hashlib.md5(body).hexdigest()}"'})

    def do_GET(self) -> None:
        if self._refused(b""):
            return
        query = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        if "list-type" in query:
            self._list(query)
        else:
            self._object()

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_DELETE(self) -> None:
        if not self._refused(b""):
            self.store.objects.pop(self._key(), None)
            self._say(204)

    def do_POST(self) -> None:
        """Remove many objects at once, which is how some clients remove one."""
        body = self._body()
        if self._refused(body):
            return
        names = [part.split("</Key>")[0] for part in body.decode().split("<Key>")[1:]]
        for name in names:
            self.store.objects.pop(name, None)
        gone = "".join(f"<Deleted><Key>{escape(name)}</Key></Deleted>" for name in names)
        self._say(200, f"<DeleteResult>{gone}</DeleteResult>".encode())

    def _object(self) -> None:
        found = self.store.objects.get(self._key())
        if found is None:
            self._say(404, b"<Error><Code>NoSuchKey</Code></Error>")
            return
        body, at = found
        told = {
            "ETag": f'"{hashlib.md5(body).hexdigest()}"',
            "Last-Modified": format_datetime(at, usegmt=True),
        }
        self._say(200, body, told)

    def _list(self, query: dict[str, str]) -> None:
        names = [name for name in sorted(self.store.objects) if name.startswith(query.get("prefix", ""))]
        after = query.get("continuation-token", "")
        left = [name for name in names if name > after]
        page, more = left[:PAGE], len(left) > PAGE
        rows = "".join(self._row(name) for name in page)
        token = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if more else ""
        told = f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}{rows}"
        self._say(200, f"<ListBucketResult><Name>{self.store.name}</Name>{told}</ListBucketResult>".encode())

    def _row(self, name: str) -> str:
        body, at = self.store.objects[name]
        return (
            f"<Contents><Key>{escape(name)}</Key><LastModified>{at:%Y-%m-%dT%H:%M:%S.000Z}</LastModified>"
            f"<Size>{len(body)}</Size></Contents>"
        )

    def _key(self) -> str:
        return unquote(urlsplit(self.path).path).removeprefix(f"/{self.store.name}/")

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("content-length", 0)))

    def _refused(self, body: bytes) -> bool:
        if self.store.broken:
            self._say(503, b"<Error><Code>SlowDown</Code></Error>")
            return True
        if not self.path.startswith(f"/{self.store.name}"):
            self._say(404, b"<Error><Code>NoSuchBucket</Code></Error>")
            return True
        if not self._signed(body):
            self._say(403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>")
            return True
        return False

    def _signed(self, body: bytes) -> bool:
        words = self.headers.get("authorization", "").removeprefix("AWS4-HMAC-SHA256 ").split(",")
        told = dict(word.strip().split("=", 1) for word in words if "=" in word)
        if {"Credential", "SignedHeaders", "Signature"} - told.keys():
            return False
        scope = told["Credential"].split("/", 1)
        if scope[0] != KEY or f"/{REGION}/s3/aws4_request" not in scope[1]:
            return False
        hashed = self.headers.get("x-amz-content-sha256", "")
        if hashed not in {"UNSIGNED-PAYLOAD", hashlib.sha256(body).hexdigest()}:
            return False
        parts = urlsplit(self.path)
        query = sorted(parse_qsl(parts.query, keep_blank_values=True))
        names = told["SignedHeaders"].split(";")
        request = "\n".join(
            [
                self.command,
                parts.path,
                "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in query),
                *(f"{name}:{' '.join(self.headers.get(name, '').split())}" for name in names),
                "",
                told["SignedHeaders"],
                hashed,
            ]
        )
        stamp = self.headers.get("x-amz-date", "")
        text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope[1], hashlib.sha256(request.encode()).hexdigest()])
        key = f"AWS4{SECRET}".encode()
        for part in scope[1].split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        return hmac.compare_digest(hmac.new(key, text.encode(), "sha256").hexdigest(), told["Signature"])

    def _say(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"content-length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
