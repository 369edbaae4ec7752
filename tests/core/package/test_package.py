"""A plan names packages as an index does, or not at all."""

from __future__ import annotations

import pytest

from keelway.core.package.package import Ecosystem, Package, ecosystems_of, package_of

PYPI, NPM, PHP = Ecosystem


@pytest.mark.parametrize(
    ("said", "worlds", "package"),
    [
        ("slixmpp", (PYPI,), Package(PYPI, "slixmpp")),
        (" slixmpp == 1.8.5 ", (PYPI,), Package(PYPI, "slixmpp", "1.8.5")),
        ("uvicorn[standard]>=0.30,<1", (PYPI,), Package(PYPI, "uvicorn")),
        ("zope.interface ~= 5.0", (PYPI,), Package(PYPI, "zope.interface")),
        ("left-pad@1.3.0", (NPM,), Package(NPM, "left-pad", "1.3.0")),
        ("left-pad@^1.3.0", (NPM,), Package(NPM, "left-pad")),
        ("@xmpp/client", (NPM, PYPI), Package(NPM, "@xmpp/client")),
        ("@xmpp/client@1.0.0", (NPM,), Package(NPM, "@xmpp/client", "1.0.0")),
        ("norgul/xmpp-php:2.2.3", (PHP,), Package(PHP, "norgul/xmpp-php", "2.2.3")),
        ("norgul/xmpp-php ^2.2", (PHP, PYPI), Package(PHP, "norgul/xmpp-php")),
        ("npm:left-pad@1.3.0", (PYPI,), Package(NPM, "left-pad", "1.3.0")),
        ("PyPI: slixmpp", (NPM,), Package(PYPI, "slixmpp")),
        ("packagist:a/b", (), Package(PHP, "a/b")),
    ],
)
def test_a_name_is_read(said: str, worlds: tuple[Ecosystem, ...], package: Package) -> None:
    assert package_of(said, worlds) == package


@pytest.mark.parametrize(
    "said",
    [
        "",
        "git+https://example.org/x.git",
        "https://example.org/x.whl",
        "slixmpp @ https://example.org/x.whl",
        "./local",
        "/etc/passwd",
        "--index-url=http://evil",
        "-e .",
        "npm:file:../x",
        "npm:",
        "slixmpp; rm -rf /",
        "slixmpp\n--extra-index-url http://evil",
        "slixmpp[x",
        "slixmpp[x;y]",
        "a" * 500,
        "slixmpp is a good library",
    ],
)
def test_what_is_no_name_of_an_index_is_none(said: str) -> None:
    assert package_of(said, (PYPI,)) is None


def test_a_name_that_several_worlds_may_have_needs_a_prefix() -> None:
    assert package_of("requests", (PYPI, NPM)) is None
    assert package_of("requests", ()) is None
    assert package_of("npm:requests", (PYPI, NPM)) == Package(NPM, "requests")


def test_the_worlds_of_an_application_are_seen_by_its_manifests() -> None:
    assert ecosystems_of(["app.py", "pyproject.toml", "web/package.json"]) == (NPM, PYPI)
    assert ecosystems_of(["composer.json", "requirements.txt"]) == (PHP, PYPI)
    assert ecosystems_of(["go.mod"]) == ()
