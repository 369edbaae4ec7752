"""Say what programs inside a fence have to be told of the proxy."""

from __future__ import annotations

from collections.abc import Mapping

from keelway.clients.egress.values import EgressPass

NEAR = "localhost,127.0.0.1,::1"
"""What is reached without the proxy: the model gateway, and the program's own servers."""

PORT = 4181
"""Where a program finds the proxy, if it has a loopback of its own."""

_BUNDLES = (
    *("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO"),
    *("NODE_EXTRA_CA_CERTS", "NPM_CONFIG_CAFILE"),
)


def proxy_url(opened: EgressPass, *, isolated: bool) -> str:
    """Return where a program finds the proxy: on its own loopback, or on the machine's with a token."""
    return f"http://127.0.0.1:{PORT}" if isolated else opened.proxy


def inside_environment(proxy: str, *, ca_path: str = "") -> Mapping[str, str]:
    """Return the variables by which package managers and others find the proxy, in both spellings.

    ``ca_path`` is a bundle of certificate authorities that is readable inside at this path: where a mirror has
    a certificate of its own, or where the usual bundle is not at its usual place. Without it no such variable
    is set, and every program uses what it knows.
    """
    found = {"HTTP_PROXY": proxy, "HTTPS_PROXY": proxy, "ALL_PROXY": proxy, "NO_PROXY": NEAR}
    found |= {name.lower(): value for name, value in found.items()}
    return found | (dict.fromkeys(_BUNDLES, ca_path) if ca_path else {})
