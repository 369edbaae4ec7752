"""A list of hosts lets pass what it names, and nothing that only looks or resolves like it."""

from __future__ import annotations

import ipaddress
import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from keelway.core.errors import YourFault
from keelway.core.rule.egress import PRESETS, Entry, judge_address, judge_host, plain_host, read_entries

LIST = read_entries(["pypi", "*.example.org", "mirror:8081", "10.0.0.5", "[fd00::7]:3128"])

labels = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=8).filter(
    lambda t: not t.isdigit()
)
names = st.lists(labels, min_size=2, max_size=4).map(".".join).filter(plain_host)
hosts = names | st.ip_addresses().map(str)
ports = st.integers(1, 65_535)


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        ("pypi", tuple(Entry(host) for host in PRESETS["pypi"])),
        ("npm", (Entry("registry.npmjs.org"),)),
        ("PyPI.org", (Entry("pypi.org"),)),
        ("pypi.org.", (Entry("pypi.org"),)),
        ("*.example.org", (Entry("example.org", below=True),)),
        ("*.example.org:8443", (Entry("example.org", 8443, below=True),)),
        ("mirror:8081", (Entry("mirror", 8081),)),
        ("xn--bcher-kva.example", (Entry("xn--bcher-kva.example"),)),
        ("10.0.0.5", (Entry("10.0.0.5"),)),
        ("10.0.0.5:80", (Entry("10.0.0.5", 80),)),
        ("::1", (Entry("::1"),)),
        ("[0:0::1]:8080", (Entry("::1", 8080),)),
        ("::ffff:10.0.0.5", (Entry("10.0.0.5"),)),
    ],
)
def test_an_entry_is_read(text: str, entries: tuple[Entry, ...]) -> None:
    assert read_entries([text]) == entries
    assert read_entries([text, text]) == entries


@pytest.mark.parametrize(
    ("text", "code"),
    [
        *((text, "egress_entry_unreadable") for text in ("", "*", "**.a.b", "http://a.b", "a.b/c", "a b.c", "a..b")),
        *((text, "egress_entry_unreadable") for text in ("-a.b", "bücher.de", "127.1", "0x7f.0x1", "a.1", "[a.b]")),
        *((text, "egress_entry_unreadable") for text in ("[::1", "fe80::1%eth0", "a.b:", "a.b:x", "a." * 127 + "b")),
        ("a.b:0", "egress_entry_port"),
        ("a.b:65536", "egress_entry_port"),
        ("*.com", "egress_entry_wide"),
        ("*.10.0.0.5", "egress_entry_wide"),
        ("*.::1", "egress_entry_wide"),
        ("pipy", "egress_entry_word"),
        ("localhost", "egress_entry_word"),
    ],
)  # fmt: skip
def test_what_is_no_entry_is_refused_with_advice(text: str, code: str) -> None:
    with pytest.raises(YourFault) as refused:
        read_entries([text])
    assert refused.value.code == code
    assert refused.value.hint


@pytest.mark.parametrize(
    ("host", "port", "why"),
    [
        ("pypi.org", 443, ""),
        ("PYPI.ORG.", 80, ""),
        ("files.pythonhosted.org", 443, ""),
        ("a.b.example.org", 443, ""),
        ("mirror", 8081, ""),
        ("10.0.0.5", 443, ""),
        ("::ffff:10.0.0.5", 443, ""),
        ("[fd00::7]", 3128, ""),
        ("pypi.org", 22, "port 22"),
        ("mirror", 443, "port 443"),
        ("fd00::7", 443, "port 443"),
        ("example.org", 443, "not on the list"),
        ("evilexample.org", 443, "not on the list"),
        ("pypi.org.evil.test", 443, "not on the list"),
        ("xpypi.org", 443, "not on the list"),
        ("10.0.0.50", 443, "not on the list"),
        ("pypi.org\x00.evil.test", 443, "not written as a host"),
        ("pypi.org@evil.test", 443, "not written as a host"),
        ("\uff50ypi.org", 443, "not written as a host"),
        ("", 443, "not written as a host"),
        ("167772165", 443, "not written as a host"),
    ],
)
def test_a_host_is_judged(host: str, port: int, why: str) -> None:
    found = judge_host(host, port, LIST)
    assert found.find(why) >= 0
    assert bool(found) == bool(why)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.8.8", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1"),
        *("169.254.169.254", "168.63.129.16", "100.100.100.200", "192.0.0.192", "0.0.0.0", "255.255.255.255"),
        *("224.0.0.1", "240.0.0.1", "198.18.0.1", "203.0.113.9", "::1", "::", "fe80::1", "fec0::1", "fd00:ec2::254"),
        *("ff02::1", "::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::"),
        *("2001::1", "2001:db8::1", "fe80::1%lo", "no address", ""),
    ],
)  # fmt: skip
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert judge_address(address, 443, LIST)


@pytest.mark.parametrize(
    ("address", "port"),
    [
        *(("8.8.8.8", 443), ("151.101.0.223", 25), ("2606:4700::6810:1", 443), ("2001:4860:4860::8888", 443)),
        *(("::ffff:8.8.8.8", 443), ("64:ff9b::808:808", 443), ("10.0.0.5", 443), ("fd00::7", 3128)),
    ],
)
def test_a_public_address_or_a_listed_one_passes(address: str, port: int) -> None:
    assert judge_address(address, port, LIST) == ""


def test_a_listed_address_passes_at_its_ports_only() -> None:
    assert judge_address("10.0.0.5", 8443, LIST)
    assert judge_address("fd00::7", 443, LIST)


def test_a_listed_name_does_not_list_the_address_behind_it() -> None:
    assert "10.9.9.9" in judge_address("10.9.9.9", 443, read_entries(["intranet.example.org"]))


@given(hosts, ports)
def test_nothing_passes_without_a_list(host: str, port: int) -> None:
    assert judge_host(host, port, ())


@given(names, names, ports)
def test_an_exact_entry_passes_itself_alone(entry: str, host: str, port: int) -> None:
    known = read_entries([f"{entry}:{port}"])
    assert judge_host(entry.upper(), port, known) == ""
    assert (judge_host(host, port, known) == "") == (host == entry)
    for lookalike in (f"x{entry}", f"x.{entry}", f"{entry}.x", f"{entry}x"):
        assert judge_host(lookalike, port, known)


@given(names, labels, names)
def test_a_star_passes_what_is_below_and_not_the_domain_itself(domain: str, label: str, host: str) -> None:
    known = read_entries([f"*.{domain}"])
    assert judge_host(f"{label}.{domain}", 443, known) == ""
    assert judge_host(f"{label}.{label}.{domain}", 443, known) == ""
    assert judge_host(domain, 443, known)
    assert judge_host(f"{label}{domain}", 443, known)
    assert (judge_host(host, 443, known) == "") == host.endswith("." + domain)


@given(st.lists(names, max_size=4), names, hosts, ports)
def test_a_longer_list_never_passes_less(listed: list[str], more: str, host: str, port: int) -> None:
    before, after = read_entries(listed), read_entries([*listed, more])
    if judge_host(host, port, before) == "":
        assert judge_host(host, port, after) == ""


@given(st.text(max_size=40))
def test_a_plain_host_stays_plain(text: str) -> None:
    plain = plain_host(text)
    assert plain_host(plain) == plain
    assert set(plain) <= set(string.ascii_lowercase + string.digits + "-._:")


@given(st.ip_addresses(v=4))
def test_an_old_address_in_a_new_coat_is_the_same_address(address: ipaddress.IPv4Address) -> None:
    for coat in ("::ffff:{}", "64:ff9b::{}"):
        assert bool(judge_address(coat.format(address), 443, ())) == bool(
            judge_address(str(address), 443, ())
        )


@given(st.ip_addresses(), ports)
def test_what_the_library_calls_private_is_never_public(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int
) -> None:
    assume(address.is_private or address.is_loopback or address.is_link_local or address.is_multicast)
    assert judge_address(str(address), port, ()) or getattr(address, "ipv4_mapped", None)
