"""Hold every vault to the same promises."""
# ruff: noqa: D102, S101  these are tests, shipped for the authors of adapters

from __future__ import annotations

import re

import pytest

from keelway.core.errors import YourFault
from keelway.ports.vault import Vault

SECRETS = {"TOKEN": "s3cr3t-token", "LONGER": "s3cr3t-token-and-more"}


class VaultTests:
    """Subclass it with one fixture: ``vault``, which holds ``SECRETS``."""

    def test_a_reference_names_and_never_tells(self, vault: Vault) -> None:
        reference = vault.reference("TOKEN")
        assert re.fullmatch(r"file:/[^#]+#TOKEN", reference)
        assert SECRETS["TOKEN"] not in reference

    def test_an_unknown_secret_is_refused(self, vault: Vault) -> None:
        with pytest.raises(YourFault) as caught:
            vault.reference("OTHER")
        assert caught.value.code == "no_secret"

    def test_values_become_names(self, vault: Vault) -> None:
        said = vault.redact(f"one {SECRETS['LONGER']}, two {SECRETS['TOKEN']}, three")
        assert said == "one [LONGER], two [TOKEN], three"
        assert vault.redact("nothing to hide") == "nothing to hide"
