"""Attacks over the network and over sockets of the host; nothing leaves the machine."""

from __future__ import annotations

import socket
import struct
import time

from keelway.programs.cage.attack.plan import TAKEN_CHARS_MAX, Attack, NotHere, Plan

_SECONDS = 1.0
_MPTCP = 262
_FAST_OPEN = 0x20000000
_EVERY_FRAME = 0x0003
_LISTENS_SECONDS = 0.5


def _say(family: int, address: object, words: str, kind: int = socket.SOCK_STREAM, protocol: int = 0) -> str:
    with socket.socket(family, kind, protocol) as line:
        line.settimeout(_SECONDS)
        line.connect(address)  # type: ignore[arg-type]  # every family has its own form
        line.sendall(words.encode())
    return ""


def tcp_loopback(plan: Plan) -> str:
    """Connect to a service of the host on loopback."""
    return _say(socket.AF_INET, ("127.0.0.1", plan.tcp4), plan.mark("tcp_loopback"))


def tcp_loopback6(plan: Plan) -> str:
    """Connect to a service of the host on the loopback of IPv6."""
    if not plan.tcp6:
        raise NotHere("this machine has no IPv6")
    return _say(socket.AF_INET6, ("::1", plan.tcp6), plan.mark("tcp_loopback6"))


def tcp_away(plan: Plan) -> str:
    """Connect to an address of the network."""
    if not plan.away:
        raise NotHere("this machine has no address but loopback")
    return _say(socket.AF_INET, (plan.away, plan.away_tcp), plan.mark("tcp_away"))


def tcp_allowed(plan: Plan) -> str:
    """Connect to a stranger at the port number that the model gateway has."""
    if not plan.away:
        raise NotHere("this machine has no address but loopback")
    return _say(socket.AF_INET, (plan.away, plan.allowed_port), plan.mark("tcp_allowed"))


def tcp_multipath(plan: Plan) -> str:
    """Connect to a service of the host by multipath TCP, which rules for TCP may not know."""
    words = plan.mark("tcp_multipath")
    return _say(socket.AF_INET, ("127.0.0.1", plan.tcp4), words, protocol=_MPTCP)


def tcp_fast_open(plan: Plan) -> str:
    """Connect by sending, without asking for a connection."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as line:
        # with a timeout of Python's the socket would not block, and then nothing is sent
        line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", int(_SECONDS), 0))
        line.sendto(plan.mark("tcp_fast_open").encode(), _FAST_OPEN, ("127.0.0.1", plan.tcp4))
    return ""


def udp_loopback(plan: Plan) -> str:
    """Send a datagram to the host, as a name look-up would."""
    words = plan.mark("udp_loopback")
    return _say(socket.AF_INET, ("127.0.0.1", plan.udp4), words, socket.SOCK_DGRAM)


def udp_away(plan: Plan) -> str:
    """Send a datagram to an address of the network, as a name look-up would."""
    if not plan.away:
        raise NotHere("this machine has no address but loopback")
    return _say(socket.AF_INET, (plan.away, plan.away_udp), plan.mark("udp_away"), socket.SOCK_DGRAM)


def unix_abstract(plan: Plan) -> str:
    """Connect to a socket of the host that has a name and no file."""
    return _say(socket.AF_UNIX, f"\0{plan.abstract}", plan.mark("unix_abstract"))


def unix_file(plan: Plan) -> str:
    """Connect to a socket file of the host, as container engines and databases have them."""
    return _say(socket.AF_UNIX, plan.socket_file, plan.mark("unix_file"))


def sniff(plan: Plan) -> str:
    """Listen to what others say on the network of the host."""
    del plan
    taken, until = b"", time.monotonic() + _LISTENS_SECONDS
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_EVERY_FRAME)) as line:
        line.settimeout(0.1)
        while time.monotonic() < until and len(taken) < 20 * TAKEN_CHARS_MAX:
            try:
                taken += line.recv(TAKEN_CHARS_MAX)
            except TimeoutError:
                continue
    return taken.decode("latin-1")


ATTACKS: dict[str, Attack] = {
    "tcp_loopback": tcp_loopback,
    "tcp_loopback6": tcp_loopback6,
    "tcp_away": tcp_away,
    "tcp_allowed": tcp_allowed,
    "tcp_multipath": tcp_multipath,
    "tcp_fast_open": tcp_fast_open,
    "udp_loopback": udp_loopback,
    "udp_away": udp_away,
    "unix_abstract": unix_abstract,
    "unix_file": unix_file,
    "sniff": sniff,
}
