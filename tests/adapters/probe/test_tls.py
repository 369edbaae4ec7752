"""Certificates that users see."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from keelway.adapters.probe.tls import TlsProbe
from keelway.core.model.project import ProbeSpec
from keelway.ports.probe import ProbeResult


def certificate(folder: Path, days: float, name: str = "127.0.0.1") -> Path:
    """Make a certificate that is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "keelway test")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=30))
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(name))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{days:g}.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@contextmanager
def serving(path: Path) -> Iterator[str]:
    """Greet everybody who connects, by TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)
        done = threading.Event()

        def serve() -> None:
            while not done.is_set():
                with suppress(OSError):
                    plain, _ = listener.accept()
                    plain.settimeout(5)
                    with plain, suppress(OSError, ssl.SSLError):
                        context.wrap_socket(plain, server_side=True).close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            done.set()
            thread.join(5)


def look(address: str, trust: Path | str = "", days: float = 14.0) -> ProbeResult:
    spec = ProbeSpec(
        "tls", kind="tls", address=address, trust=str(trust), days_min=days, latency_ms_max=2_000.0
    )
    (result,) = TlsProbe().ask("", (spec,))
    return result


def test_a_good_certificate_is_good_until_it_is_about_to_end(tmp_path: Path) -> None:
    path = certificate(tmp_path, 20)
    with serving(path) as address:
        assert look(address, path).ok
        soon = look(address, path, days=30.0)
    assert not soon.ok
    assert "in 20.0 days, 30 are wanted" in soon.detail


@pytest.mark.parametrize("days", [-1, 90])
def test_a_certificate_that_is_not_to_be_trusted_is_none(tmp_path: Path, days: float) -> None:
    path = certificate(tmp_path, days)
    trust = path if days < 0 else ""
    with serving(path) as address:
        result = look(address, trust)
    assert not result.ok
    assert "no certificate to trust" in result.detail


def test_another_name_nobody_and_no_authority(tmp_path: Path) -> None:
    path = certificate(tmp_path, 90, "127.0.0.2")
    with serving(path) as address:
        assert "no certificate to trust" in look(address, path).detail
    assert not look("127.0.0.1:9", path).ok
    assert "cannot be read" in look("127.0.0.1:9", tmp_path / "none.pem").detail
