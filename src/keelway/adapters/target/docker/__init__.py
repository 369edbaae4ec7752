"""Run releases as containers of an engine of this machine, behind a front that keeps the port."""

from keelway.adapters.target.docker.target import ADAPTER, DockerTarget

__all__ = ["ADAPTER", "DockerTarget"]
