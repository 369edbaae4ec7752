"""The fake and the file vault keep the same promises."""

from __future__ import annotations

from pathlib import Path

import pytest

from keelway.adapters.vault.file import FileVault
from keelway.ports.vault import Vault
from keelway.testing.conformance.vault import SECRETS, VaultTests
from keelway.testing.fakes.vault import FakeVault


class TestFakeVault(VaultTests):
    @pytest.fixture
    def vault(self) -> Vault:
        return FakeVault(dict(SECRETS))


class TestFileVault(VaultTests):
    @pytest.fixture
    def vault(self, tmp_path: Path) -> Vault:
        path = tmp_path / "secrets.env"
        path.write_text("".join(f"{name}={value}\n" for name, value in SECRETS.items()))
        path.chmod(0o600)
        return FileVault(str(tmp_path))
