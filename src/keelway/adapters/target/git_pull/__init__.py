"""Update a clone in place, on this machine or over ssh: the commit, then ordered steps."""

from keelway.adapters.target.git_pull.target import ADAPTER, GitPullTarget

__all__ = ["ADAPTER", "GitPullTarget"]
