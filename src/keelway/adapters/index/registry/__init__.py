"""The public package indexes, or mirrors of them: PyPI, npm and Packagist."""

from keelway.adapters.index.registry.registry import RegistryIndex

__all__ = ["ADAPTER", "RegistryIndex"]

ADAPTER = RegistryIndex
