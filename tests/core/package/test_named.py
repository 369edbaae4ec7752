"""A request names packages by announcing them; ordinary words are not looked up."""

from __future__ import annotations

import pytest

from keelway.core.package.named import NAMED_MAX, packages_named
from keelway.core.package.package import Ecosystem, Package

PYPI, NPM, PHP = Ecosystem


@pytest.mark.parametrize(
    ("text", "worlds", "named"),
    [
        ("Add XMPP support with `slixmpp`", (PYPI,), [("slixmpp", "")]),
        ("please pip install slixmpp==1.8.5 first", (PYPI,), [("slixmpp", "1.8.5")]),
        (
            "uv add matrix-nio, then npm i left-pad@1.3.0",
            (PYPI,),
            [("matrix-nio", ""), ("left-pad", "1.3.0")],
        ),
        ("use the library norgul/xmpp-php.", (PHP,), [("norgul/xmpp-php", "")]),
        ("composer require norgul/xmpp-php", (PYPI,), [("norgul/xmpp-php", "")]),
        ("bump aiohttp to the newest", (PYPI,), [("aiohttp", "")]),
        ("move to aiohttp==3.14.1", (PYPI,), [("aiohttp", "3.14.1")]),
        ("talk to @xmpp/client", (NPM, PYPI), [("@xmpp/client", "")]),
        ("Update the dependencies", (PYPI,), []),
        ("The package is late; fix the library for it", (PYPI,), []),
        ("look at `app/web.py` and use `web.py`", (PYPI,), []),
        ("mail ann@example.org", (NPM,), []),
        ("Rich is ugly, and httpx too", (PYPI,), [("rich", "")]),
        ("", (PYPI,), []),
    ],
)
def test_what_a_request_names(text: str, worlds: tuple[Ecosystem, ...], named: list[tuple[str, str]]) -> None:
    found = packages_named(text, worlds, ["left", "rich"] if "Rich" in text else [])
    assert [(package.name, package.version) for package in found] == named


def test_a_package_is_named_once_and_not_too_many() -> None:
    assert packages_named("pip install x==1, the package x", (PYPI,)) == (Package(PYPI, "x", "1"),)
    many = " ".join(f"pip install p{number}" for number in range(20))
    assert len(packages_named(many, (PYPI,))) == NAMED_MAX
