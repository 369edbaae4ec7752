"""Describe the containers of a release: its command, its environment, its data and its secrets."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from keelway.adapters.target.docker.site import Site
from keelway.clients.balance.daemon import disk_failed, make_folder
from keelway.clients.container.values import Mount, Wanted
from keelway.clients.files import remove_tree, write_atomic
from keelway.clients.secret_file import resolve
from keelway.core.model.project import ProcessCommand
from keelway.core.target.docker import FILES, HOST

_SECRETS = "/run/keelway"
_READ_ONLY = ":ro"
_EXPORTING = 'set -a && . "$0" && set +a && exec "$@"'
"""Shell program that reads variables from a file, so that no engine ever knows them, and becomes the command."""


def wanted(
    site: Site, environment: str, release: str, process: ProcessCommand, *, port: int = 0, once: bool = False
) -> Wanted:
    """Return the container of a process; ``port`` is the loopback port that leads to it.

    Its secrets are written to a file that only we and the container can read.

    Raises:
        YourFault: a secret is not there.
        TheirFault: the disk does not take the data directory or the secrets.
    """
    settings = site.settings(environment)
    host = settings.network == HOST
    inside = 0 if not port else port if host else settings.port
    env = site.variables(environment, release, inside)
    argv = command(site, environment, release, process.run, inside)
    mounts = [Mount(_data(site, environment), settings.data), *_volumes(site, environment)]
    secrets = _secrets(site, environment)
    if secrets:
        name = site.name(environment, release, process.name)
        folder = _write(site, name, secrets, as_files=settings.secrets == FILES)
        mounts.append(Mount(str(folder), _SECRETS, read_only=True))
        if settings.secrets == FILES:
            env |= {f"{key}_FILE": f"{_SECRETS}/{key}" for key in secrets}
    return Wanted(
        name=site.name(environment, release, process.name),
        image=site.record(environment, release).image,
        argv=argv,
        env=env,
        labels=site.labels(environment, release, process.name, port),
        mounts=tuple(mounts),
        network=settings.network,
        publish=(port, inside) if port and not host else None,
        hosts=settings.hosts,
        user=settings.user,
        restart=not once,
        init=settings.init,
        stop_seconds=process.stop_seconds,
        limits=site.limits(environment, 1 if once else 0),
    )


def command(
    site: Site, environment: str, release: str, run: tuple[str, ...], port: int = 0
) -> tuple[str, ...]:
    """Return a configured command as it is started inside: behind what reads the secrets, when there are any."""
    argv = tuple(site.fill(word, environment, release, port) for word in run)
    if not site.spec(environment).secrets or site.settings(environment).secrets == FILES:
        return argv
    return ("/bin/sh", "-c", _EXPORTING, f"{_SECRETS}/variables", *argv)


def forget(site: Site, name: str) -> None:
    """Remove the secrets of a container that is not started again.

    Raises:
        TheirFault: the disk does not let us (``disk_failed``).
    """
    folder = _place(site, name)
    try:
        remove_tree(folder, site.places.home)
    except OSError as error:
        raise disk_failed(folder, error) from error


def _place(site: Site, name: str) -> Path:
    return site.places.home / "inside" / name


def _data(site: Site, environment: str) -> str:
    folder = make_folder(site.places.data(environment))
    owner, _, group = site.settings(environment).user.partition(":")
    if owner.isdigit() and os.geteuid() == 0:
        os.chown(folder, int(owner), int(group) if group.isdigit() else -1)
    return str(folder)


def _volumes(site: Site, environment: str) -> list[Mount]:
    return [
        Mount(here.removesuffix(_READ_ONLY), inside, read_only=here.endswith(_READ_ONLY))
        for inside, here in site.settings(environment).volumes.items()
    ]


def _secrets(site: Site, environment: str) -> dict[str, str]:
    references = {name: site.vault.reference(key) for name, key in site.spec(environment).secrets.items()}
    return {name: resolve(reference) for name, reference in references.items()}


def _write(site: Site, name: str, secrets: dict[str, str], *, as_files: bool) -> Path:
    """Write secrets where nobody else on this machine comes, and any user of the container can read."""
    folder = _place(site, name)
    make_folder(folder.parent)
    texts = dict(secrets)
    if not as_files:
        texts = {"variables": "".join(f"{key}={shlex.quote(value)}\n" for key, value in secrets.items())}
    try:
        remove_tree(folder, site.places.home)
        folder.mkdir(mode=0o755)
        folder.chmod(0o755)
        for file, text in texts.items():
            write_atomic(folder / file, text.encode(), 0o444)
    except OSError as error:
        raise disk_failed(folder, error) from error
    return folder
