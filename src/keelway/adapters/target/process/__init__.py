"""Run releases as supervised processes of this machine, behind a balancer that keeps the port."""

from keelway.adapters.target.process.target import ADAPTER, ProcessTarget

__all__ = ["ADAPTER", "ProcessTarget"]
