"""Hold the rules for headers: what a client may send, what goes on to a release and what comes back."""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import hdrs
from multidict import CIMultiDict, CIMultiDictProxy, MultiMapping

from keelway.core.traffic.route import release_of

RELEASE_HEADER = "X-Keelway-Release"
"""Response header that names the release which answered."""

_HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_FORWARDING = frozenset(
    {"forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port", "x-real-ip"}
)
_NEVER_DROPPED = frozenset({"host", "content-length"})
_HANDSHAKE = frozenset(
    {
        "sec-websocket-key",
        "sec-websocket-version",
        "sec-websocket-extensions",
        "sec-websocket-protocol",
        "sec-websocket-accept",
    }
)


def onward_headers(
    sent: CIMultiDictProxy[str], *, peer: str, scheme: str, websocket: bool, trusted_proxy: bool
) -> CIMultiDict[str]:
    """Give the headers for the release: end-to-end ones as sent, forwarding ones set by us (RFC 9110 section 7.6.1).

    Names with underscores that a CGI-style server would take for a forwarding header go as well.
    With `trusted_proxy` the forwarding headers of the client (a TLS terminator of ours) are kept and extended.
    """
    dropped = _HOP_BY_HOP | _connection_names(sent) | {"expect", RELEASE_HEADER.lower()}
    if websocket:
        dropped |= _HANDSHAKE
    if not trusted_proxy:
        dropped |= _FORWARDING
    onward: CIMultiDict[str] = CIMultiDict(
        (name, writable(value))
        for name, value in sent.items()
        if (low := name.lower()) not in dropped and not ("_" in low and low.replace("_", "-") in _FORWARDING)
    )
    before = ", ".join(onward.popall("X-Forwarded-For", []))
    onward["X-Forwarded-For"] = f"{before}, {peer}" if before else peer
    onward.setdefault("X-Forwarded-Proto", scheme)
    if hdrs.HOST in sent:
        onward.setdefault("X-Forwarded-Host", writable(sent[hdrs.HOST]))
    return onward


def returned_headers(answered: CIMultiDictProxy[str], release: str) -> CIMultiDict[str]:
    """Give the headers for the client: end-to-end ones as answered, plus the name of the release."""
    dropped = _HOP_BY_HOP | _connection_names(answered) | {RELEASE_HEADER.lower()}
    if hdrs.TRANSFER_ENCODING in answered:
        dropped |= {"content-length"}
    returned: CIMultiDict[str] = CIMultiDict(
        (name, writable(value)) for name, value in answered.items() if name.lower() not in dropped
    )
    returned[RELEASE_HEADER] = release_of(release)  # users are told the release, not its instance
    return returned


def handshake_headers(answered: CIMultiDictProxy[str], release: str) -> CIMultiDict[str]:
    """Give the extra headers of a websocket handshake answer (cookies, for one); each leg makes its own keys."""
    returned = returned_headers(answered, release)
    for name in (*_HANDSHAKE, "content-length", "content-type"):
        returned.popall(name, None)
    return returned


def header_bytes(raw_headers: Iterable[tuple[bytes, bytes]]) -> int:
    """Add up the bytes of a header block as sent."""
    return sum(len(name) + len(value) + 4 for name, value in raw_headers)


def writable(value: str) -> str:
    """Make a value writable as UTF-8: bytes that were not UTF-8 are read as Latin-1, so that none is lost."""
    if value.isascii() or not any("\ud800" <= character <= "\udfff" for character in value):
        return value
    return value.encode("utf-8", "surrogateescape").decode("latin-1")


def _connection_names(headers: MultiMapping[str]) -> frozenset[str]:
    """List the headers that the Connection header declares to be for this hop only."""
    listed = headers.getall(hdrs.CONNECTION, None)
    if not listed:
        return frozenset()
    return frozenset(name.strip().lower() for line in listed for name in line.split(",")) - _NEVER_DROPPED
