"""Make immutable releases from commits, and remove old ones."""

from __future__ import annotations

import contextlib
import stat
import time

from keelway.adapters.target.process.site import Record, Site
from keelway.clients.balance.daemon import disk_failed
from keelway.clients.files import remove_tree
from keelway.clients.git import Git
from keelway.clients.release.build import insist_built
from keelway.clients.shell import Command, base_env, run
from keelway.core.errors import TheirFault
from keelway.ports.target import Built

_WRITE_BITS = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
_EXTRA_SECONDS = 60.0


def build(site: Site, environment: str, sha: str, release: str) -> Built:
    """Make a release in the place where it will run, because virtual environments hold absolute paths.

    Raises:
        TheirFault: the set-up failed (``build_failed``), or the disk did (``disk_failed``); nothing is left.
    """
    began = time.monotonic()
    site.spec(environment)
    folder = site.places.release(environment, release)
    with site.locked(f"build-{environment}", site.project.setup_seconds_max + _EXTRA_SECONDS):
        found = site.records.find(environment, release)
        if found is not None and found.sha != sha:
            raise TheirFault(
                "release_taken", f"{release} in {environment} is built from {found.sha}, not from {sha}."
            )
        if found is None:
            try:
                found = _make(site, environment, sha, release)
            except BaseException as error:
                with contextlib.suppress(OSError):
                    remove_tree(folder, site.places.home)
                if isinstance(error, OSError):
                    raise disk_failed(folder, error) from error
                raise
    return Built(release, found.sha, found.tree_sha, time.monotonic() - began)


def _make(site: Site, environment: str, sha: str, release: str) -> Record:
    git = Git(site.repository)
    folder, tree = site.places.release(environment, release), site.tree(environment, release)
    remove_tree(folder, site.places.home)
    tree.mkdir(parents=True)
    git.export(sha, str(tree))
    _set_up(site, environment, release)
    for entry in git.ls_tree(sha):
        path = tree / entry.path
        # A file with several names may belong to a package cache, which is not ours to change.
        if path.is_file() and not path.is_symlink() and path.stat().st_nlink == 1:
            path.chmod(stat.S_IMODE(path.stat().st_mode) & ~_WRITE_BITS)
    record = Record(release, sha, git.tree_of(sha))
    site.records.save(environment, record)
    return record


def _set_up(site: Site, environment: str, release: str) -> None:
    project, tree = site.project, site.tree(environment, release)
    if not project.setup:
        return
    home = site.places.home / "build-home"
    home.mkdir(parents=True, exist_ok=True)
    env = base_env(str(home), [str(tree / folder) for folder in project.path])
    done = run(Command(project.setup, str(tree), env, project.setup_seconds_max))
    insist_built(done, project.setup, f"set-up of {release}", project.setup_seconds_max)


def prune(site: Site, environment: str, keep: frozenset[str]) -> tuple[str, ...]:
    """Remove the complete releases that are not to be kept; return their names.

    Raises:
        TheirFault: one could not be removed (``disk_failed``).
    """
    gone = [record.release for record in site.records.built(environment) if record.release not in keep]
    for name in gone:
        with site.locked(f"build-{environment}", site.project.setup_seconds_max + _EXTRA_SECONDS):
            place = site.places.release(environment, name)
            try:
                site.records.forget(environment, name)
                remove_tree(place, site.places.home)
                remove_tree(site.places.logs(environment, name), site.places.home)
            except OSError as error:
                raise disk_failed(place, error) from error
    return tuple(gone)
