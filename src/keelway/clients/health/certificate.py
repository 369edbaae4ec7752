"""Look at the certificate that a server shows, verified as a browser would."""

from __future__ import annotations

import socket
import ssl
from datetime import UTC, datetime

from keelway.core.errors import TheirFault, YourFault

_SECONDS_OF_A_DAY = 86_400.0


def days_left(address: str, trust: str, seconds_max: float) -> float:
    """Return for how many days a server's certificate is still good.

    Args:
        address: host and port.
        trust: file with the authority to trust; empty for those of the system.
        seconds_max: how long connecting and greeting may take.

    Raises:
        TheirFault: nobody answers, or with a certificate that is not to be trusted (``tls_failed``).
        YourFault: the file of the authority cannot be read (``trust_unreadable``).
    """
    host, _, port = address.rpartition(":")
    try:
        context = ssl.create_default_context(cafile=trust or None)
    except (OSError, ssl.SSLError) as error:
        raise YourFault(
            "trust_unreadable", f"{trust} cannot be read: {error}.", "correct the path"
        ) from error
    name = host.strip("[]")
    try:
        with (
            socket.create_connection((name, int(port)), timeout=seconds_max) as plain,
            context.wrap_socket(plain, server_hostname=name) as secure,
        ):
            shown = secure.getpeercert()
    except (OSError, ssl.SSLError, ValueError) as error:
        said = getattr(error, "verify_message", "") or str(error) or type(error).__name__
        raise TheirFault("tls_failed", f"{address} shows no certificate to trust: {said}.") from error
    ends_at = ssl.cert_time_to_seconds(str((shown or {}).get("notAfter", "")))
    return (ends_at - datetime.now(UTC).timestamp()) / _SECONDS_OF_A_DAY
