"""Real package managers find the proxy by what they are told, and get what is on the list and nothing else."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.clients.egress.rig import lines

from keelway.clients.egress import Egress, EgressGrant, EgressPass, inside_environment
from keelway.core.rule.egress import PRESETS, judge_address

TINY = "iniconfig"
"""A package of a few kilobytes that needs no other."""


def test_both_spellings_are_told_and_what_is_near_is_left_out() -> None:
    told = inside_environment("http://127.0.0.1:4181")
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        assert told[name] == told[name.lower()] == "http://127.0.0.1:4181"
    assert told["NO_PROXY"] == told["no_proxy"] == "localhost,127.0.0.1,::1"
    assert not [name for name in told if "CERT" in name or "CA" in name]


def test_a_bundle_is_told_to_all_who_have_a_name_for_it() -> None:
    told = inside_environment("http://127.0.0.1:4181", ca_path="/etc/mirror.pem")
    for name in (
        "SSL_CERT_FILE",
        "PIP_CERT",
        "REQUESTS_CA_BUNDLE",
        "NODE_EXTRA_CA_CERTS",
        "NPM_CONFIG_CAFILE",
    ):
        assert told[name] == "/etc/mirror.pem"


class Registry(BaseHTTPRequestHandler):
    """Serve one wheel and one npm package."""

    files: Mapping[str, tuple[str, bytes]] = {}

    def do_GET(self) -> None:
        kind, body = self.files.get(self.path, ("text/plain", b""))
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def wheel() -> bytes:
    text = io.BytesIO()
    with zipfile.ZipFile(text, "w") as archive:
        archive.writestr("tinything.py", "VALUE = 7\n")
        info = "tinything-1.0.dist-info"
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tinything\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(
            f"{info}/RECORD", f"tinything.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n"
        )
    return text.getvalue()


def npm_package(url: str) -> tuple[bytes, bytes]:
    text = io.BytesIO()
    with tarfile.open(fileobj=text, mode="w:gz") as archive:
        for name, body in (("package.json", b'{"name": "tinything", "version": "1.0.0"}'), ("index.js", b"")):
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(body)
            archive.addfile(entry, io.BytesIO(body))
    whole = text.getvalue()
    digest = "sha512-" + base64.b64encode(hashlib.sha512(whole).digest()).decode()
    dist = f'{{"tarball": "{url}/tinything.tgz", "integrity": "{digest}"}}'
    version = f'{{"name": "tinything", "version": "1.0.0", "dist": {dist}}}'
    told = f'{{"name": "tinything", "dist-tags": {{"latest": "1.0.0"}}, "versions": {{"1.0.0": {version}}}}}'
    return told.encode(), whole


@contextlib.contextmanager
def registry(certificate: Path | None = None) -> Iterator[str]:
    """Serve packages on loopback under the name localhost; return the address."""

    class Mine(Registry):
        pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Mine) as server:
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        url = f"{'https' if certificate else 'http'}://localhost:{server.server_address[1]}"
        package = "tinything-1.0-py3-none-any.whl"
        told, tarball = npm_package(url)
        Mine.files = {
            "/simple/tinything/": ("text/html", f'<a href="/{package}">{package}</a>'.encode()),
            f"/{package}": ("application/zip", wheel()),
            "/tinything": ("application/json", told),
            "/tinything.tgz": ("application/octet-stream", tarball),
        }
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield url
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Return a certificate for localhost that nobody knows, with its key."""
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed; next: apt-get install openssl")
    path = tmp_path / "localhost.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
    ]
    command += [
        "-addext",
        "subjectAltName=DNS:localhost",
        "-keyout",
        str(path),
        "-out",
        str(tmp_path / "only.pem"),
    ]
    subprocess.run(command, check=True, capture_output=True)
    path.write_text(path.read_text() + (tmp_path / "only.pem").read_text())
    return path


@contextlib.contextmanager
def opened(tmp_path: Path, *hosts: str) -> Iterator[EgressPass]:
    """Open the proxy with a loopback port, as for a program without a network of its own."""
    egress = Egress(tmp_path / "e")
    try:
        yield egress.open(EgressGrant(hosts, str(tmp_path / "egress.jsonl"), loopback=True))
    finally:
        egress.stop()


def pip() -> list[str]:
    """Return a pip: ours, or that of the Python ours was made from."""
    for python in (sys.executable, getattr(sys, "_base_executable", sys.executable)):
        if (
            subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False).returncode
            == 0
        ):
            return [python, "-m", "pip"]
    pytest.skip("no pip is here; next: apt-get install python3-pip")


def run(tmp_path: Path, argv: list[str], told: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a package manager in an environment that holds nothing but what it is told."""
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "PIP_CONFIG_FILE": os.devnull, **told}
    # What is near is near to the program inside; this test's registry is not, though it has the same name.
    env |= {"NO_PROXY": "", "no_proxy": ""}
    return subprocess.run(argv, env=env, cwd=home, capture_output=True, text=True, timeout=100, check=False)


def download(
    tmp_path: Path, index: str, package: str, told: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    options = [
        "-vv",
        "--no-deps",
        "--no-cache-dir",
        "--disable-pip-version-check",
        "--retries",
        "0",
        "--index-url",
        index,
    ]
    return run(tmp_path, [*pip(), "download", *options, "-d", str(tmp_path / "got"), package], told)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_pip_downloads_what_is_listed(tmp_path: Path, scheme: str, certificate: Path) -> None:
    with registry(certificate if scheme == "https" else None) as url:
        port = urlsplit(url).port
        with opened(tmp_path, f"localhost:{port}", f"127.0.0.1:{port}") as door:
            told = inside_environment(door.proxy, ca_path=str(certificate) if scheme == "https" else "")
            done = download(tmp_path, f"{url}/simple", "tinything", told)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in (tmp_path / "got").iterdir()] == ["tinything-1.0-py3-none-any.whl"]
    decided = [line for line in lines(tmp_path / "egress.jsonl") if line["event"] == "decided"]
    assert {(line["host"], line["method"]) for line in decided} == {
        ("localhost", "CONNECT" if scheme == "https" else "GET")
    }


@pytest.mark.slow
def test_pip_is_told_why_it_gets_nothing(tmp_path: Path, certificate: Path) -> None:
    with registry(certificate) as url, opened(tmp_path, "other.test") as door:
        done = download(tmp_path, f"{url}/simple", "tinything", inside_environment(door.proxy))
    assert done.returncode != 0
    assert "the host is not on the list of this task" in done.stdout + done.stderr
    assert not lines(tmp_path / "egress.jsonl")[0]["allowed"]


@pytest.mark.slow
def test_npm_installs_what_is_listed(tmp_path: Path, certificate: Path) -> None:
    if not shutil.which("npm"):
        pytest.skip("npm is not installed; next: apt-get install npm")
    with registry(certificate) as url:
        port = urlsplit(url).port
        with opened(tmp_path, f"localhost:{port}", f"127.0.0.1:{port}") as door:
            told = inside_environment(door.proxy, ca_path=str(certificate))
            argv = ["npm", "install", "--registry", url, "--fetch-retries", "0", "--no-audit", "tinything"]
            done = run(tmp_path, argv, told)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "home" / "node_modules" / "tinything" / "package.json").exists()
    assert lines(tmp_path / "egress.jsonl")[0]["method"] == "CONNECT"


@pytest.mark.slow
def test_pip_downloads_from_the_index_that_is_set_up_here(tmp_path: Path) -> None:
    """The whole way: a real index by its real name, over TLS, through the list."""
    index, host, bundle = configured_index()
    hosts = ["pypi"] if host in PRESETS["pypi"] else [host]
    port = urlsplit(index).port or 443
    hosts += [address for address in addresses(host, port) if judge_address(address, port, ())]
    if host in PRESETS["pypi"]:
        hosts += [a for name in PRESETS["pypi"] for a in addresses(name, port) if judge_address(a, port, ())]
    with opened(
        tmp_path, *(name if port == 443 or name == "pypi" else f"{name}:{port}" for name in hosts)
    ) as door:
        done = download(tmp_path, index, TINY, inside_environment(door.proxy, ca_path=bundle))
    assert done.returncode == 0, done.stderr
    assert [path for path in (tmp_path / "got").iterdir() if path.name.startswith(TINY)]
    decided = [line for line in lines(tmp_path / "egress.jsonl") if line["event"] == "decided"]
    assert decided
    assert all(line["allowed"] and line["method"] == "CONNECT" for line in decided)


def configured_index() -> tuple[str, str, str]:
    """Return the index, its host and its bundle of authorities as pip here knows them, if it can be reached."""
    told = subprocess.run([*pip(), "config", "list"], capture_output=True, text=True, check=True).stdout
    known = {
        line.partition("=")[0].rpartition(".")[2]: line.partition("=")[2].strip("'\"")
        for line in told.splitlines()
    }
    index = known.get("index-url", f"https://{PRESETS['pypi'][0]}/simple")
    parts = urlsplit(index)
    if parts.scheme != "https" or parts.username or not parts.hostname:
        pytest.skip("pip here uses an index that a proxy cannot stand before")
    try:
        socket.create_connection((parts.hostname, parts.port or 443), timeout=5).close()
    except OSError as error:
        pytest.skip(f"the index that pip here uses cannot be reached: {error}")
    return index, parts.hostname, known.get("cert", "")


def addresses(host: str, port: int) -> list[str]:
    """Return what a name resolves to here, without the port's protocol."""
    try:
        return sorted({str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)})
    except OSError:
        return []
