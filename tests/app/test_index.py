"""Which index is asked: the configured one, the one that the installers here use, or the public one."""

from __future__ import annotations

import pytest

from keelway.adapters.index.offline import OfflineIndex
from keelway.adapters.index.registry import RegistryIndex
from keelway.app.index.choose import addresses, make_index
from keelway.app.sections import IndexSection
from keelway.core.errors import YourFault

PUBLIC = {
    "pypi": "https://pypi.org/simple",
    "npm": "https://registry.npmjs.org",
    "packagist": "https://repo.packagist.org",
}


def test_without_a_word_the_public_indexes_are_asked():
    assert addresses(IndexSection(), {}) == PUBLIC


def test_what_the_installers_here_use_is_asked_and_what_is_configured_before_all():
    here = {
        "PIP_INDEX_URL": "https://mirror.example/simple",
        "UV_INDEX_URL": "https://other.example/simple",
        "npm_config_registry": "https://npm.example",
    }
    found = addresses(IndexSection(packagist="https://php.example"), here)
    assert found == {
        "pypi": "https://other.example/simple",
        "npm": "https://npm.example",
        "packagist": "https://php.example",
    }
    assert addresses(IndexSection(pypi="http://mine/simple"), here)["pypi"] == "http://mine/simple"


def test_what_is_no_web_address_is_passed_over():
    assert addresses(IndexSection(), {"PIP_INDEX_URL": "file:///wheels", "UV_INDEX_URL": ""}) == PUBLIC


def test_the_index_is_chosen_by_its_name(tmp_path):
    index = make_index(IndexSection(seconds_max=3.0), {}, tmp_path)
    assert index == RegistryIndex(PUBLIC, 3.0)
    assert isinstance(make_index(IndexSection(use="offline"), {}, tmp_path), OfflineIndex)
    with pytest.raises(YourFault, match="no index called"):
        make_index(IndexSection(use="crates"), {}, tmp_path)
