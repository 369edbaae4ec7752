"""Decide which hosts a fenced program may reach, and which addresses may stand behind their names.

A name is let pass by the list of its task; the address it resolves to is judged apart, so that a name on the
list cannot be pointed at this machine, its network or the metadata of a cloud.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from keelway.core.errors import YourFault

PORTS = (80, 443)
"""What an entry without a port lets pass."""

PRESETS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "pypi": ("pypi.org", "files.pythonhosted.org"),
        "npm": ("registry.npmjs.org",),
    }
)
"""Words for package registries, in place of the names of their hosts."""

PORT_MAX = 65_535
_HOST_CHARS_MAX = 253
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_ENTRY = re.compile(
    r"(?P<below>\*\.)?(?P<host>\[[^\[\]]+\]|[^:\[\]]+|[0-9A-Fa-f:.]+)(?::(?P<port>[0-9]{1,5}))?"
)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NOT_PUBLIC_4 = tuple(
    ipaddress.IPv4Network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15"),
        *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        "168.63.129.16/32",  # public by its number, yet it is a cloud's own metadata
    )
)
_PUBLIC_6 = ipaddress.IPv6Network("2000::/3")
_NOT_PUBLIC_6 = tuple(
    ipaddress.IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)
_MAPPED = (ipaddress.IPv6Network("::ffff:0:0/96"), ipaddress.IPv6Network("64:ff9b::/96"))
"""Addresses whose last four bytes are one of the older protocol, which is where they lead."""


@dataclass(frozen=True)
class Entry:
    """Let pass one host, or every name below it."""

    host: str
    port: int = 0
    """0: the usual ones, ``PORTS``."""
    below: bool = False

    def names(self, host: str) -> bool:
        """Tell whether a plain host is meant, whatever the port."""
        return host.endswith(f".{self.host}") if self.below else host == self.host

    def fits(self, host: str, port: int) -> bool:
        """Tell whether a plain host and a port are meant."""
        return self.names(host) and (port == self.port if self.port else port in PORTS)


def read_entries(texts: Iterable[str]) -> tuple[Entry, ...]:
    """Read a list of hosts: presets, ``host``, ``*.host``, ``host:port``, addresses.

    Raises:
        YourFault: an entry is none of these.
    """
    return tuple(dict.fromkeys(_entry(host) for text in texts for host in PRESETS.get(text, (text,))))


def plain_host(text: str) -> str:
    """Return a host in the one form in which hosts are compared, or nothing when it is no host.

    Numbers that only a resolver would take for an address (``127.1``, ``0x7f.0.0.1``) are no hosts.
    """
    if len(text) > _HOST_CHARS_MAX or not text.isascii():
        return ""
    lowered = text.lower().removesuffix(".")
    address = _address(lowered.removeprefix("[").removesuffix("]"))
    if address is not None:
        return str(address) if ("[" in text) == ("]" in text) else ""
    if not _NAME.fullmatch(lowered) or _NUMBER.fullmatch(lowered.rpartition(".")[2]):
        return ""
    return lowered


def judge_host(host: str, port: int, entries: Iterable[Entry]) -> str:
    """Return why a host may not be reached, or nothing when it may."""
    plain = plain_host(host)
    if not plain:
        return "the host is not written as a host"
    named = [entry for entry in entries if entry.names(plain)]
    if not named:
        return "the host is not on the list of this task"
    if not any(entry.fits(plain, port) for entry in named):
        return f"port {port} of the host is not on the list of this task"
    return ""


def judge_address(address: str, port: int, entries: Iterable[Entry]) -> str:
    """Return why an address may not stand behind a name, or nothing when it may."""
    known = _address(address)
    if known is None:
        return "the name resolves to no address"
    if _is_public(known) or any(entry.fits(str(known), port) for entry in entries):
        return ""
    return f"the name resolves to {known}, which is no public address and not on the list itself"


def _entry(text: str) -> Entry:
    found = _ENTRY.fullmatch(text)
    host = plain_host(found["host"]) if found else ""
    if not found or not host:
        raise YourFault(
            "egress_entry_unreadable",
            f"{text[:80]!r} names no host that could be let pass.",
            "write a host (pypi.org), names below one (*.example.org), host:port, an address, "
            f"or one of: {', '.join(PRESETS)}; letters beyond ASCII as xn--",
        )
    port = int(found["port"] or 0)
    if port > PORT_MAX or (found["port"] and not port):
        raise YourFault("egress_entry_port", f"{text!r} has no port that exists.", f"1 to {PORT_MAX}")
    below, address = bool(found["below"]), _address(host) is not None
    if below and (address or "." not in host):
        raise YourFault(
            "egress_entry_wide",
            f"{text!r} would let pass too much, or nothing.",
            "name a domain with a dot after the star: *.example.org",
        )
    if "." not in host and not address and not port:
        raise YourFault(
            "egress_entry_word",
            f"{text!r} is neither a known word nor a host with a dot.",
            f"known words: {', '.join(PRESETS)}; a host of one word needs its port: {host}:8080",
        )
    return Entry(host, port, below)


def _address(text: str) -> _Address | None:
    if "%" in text:
        return None
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, ipaddress.IPv6Address) else address


def _is_public(address: _Address) -> bool:
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    if any(address in network for network in _MAPPED):
        return _is_public(ipaddress.IPv4Address(address.packed[-4:]))
    return address in _PUBLIC_6 and not any(address in network for network in _NOT_PUBLIC_6)
