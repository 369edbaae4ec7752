"""Make immutable releases from commits: one image, pinned by its identity; and remove old ones."""

from __future__ import annotations

import contextlib
import tempfile
import time
from pathlib import Path

from keelway.adapters.target.docker import inside
from keelway.adapters.target.docker.site import HOME, RELEASE, Record, Site
from keelway.clients.balance.daemon import disk_failed
from keelway.clients.container.images import (
    BuildOrder,
    Image,
    build_image,
    drop_image,
    find_image,
    name_image,
    pack,
    pull_image,
    tags_of,
)
from keelway.clients.files import remove_tree
from keelway.clients.git import Git
from keelway.core.codec import digest
from keelway.core.errors import TheirFault
from keelway.core.target.docker import DockerSpec
from keelway.ports.target import Built

TREE = "keelway.tree"
REVISION = "org.opencontainers.image.revision"
_EXTRA_SECONDS = 60.0


def build(site: Site, environment: str, sha: str, release: str) -> Built:
    """Make a release: build the commit's image, take the one that another environment tested, or fetch it.

    Raises:
        TheirFault: that failed (``build_failed``), or the disk did (``disk_failed``); nothing is left.
    """
    began = time.monotonic()
    site.spec(environment)
    with site.locked(f"build-{environment}", site.project.setup_seconds_max + _EXTRA_SECONDS):
        found = site.records.find(environment, release)
        if found is not None and found.sha != sha:
            raise TheirFault(
                "release_taken", f"{release} in {environment} is built from {found.sha}, not from {sha}."
            )
        if found is None or find_image(site.engine(environment), found.image) is None:
            found = _make(site, environment, sha, release)
    return Built(release, found.sha, found.tree_sha, time.monotonic() - began)


def _make(site: Site, environment: str, sha: str, release: str) -> Record:
    folder, tag = site.places.release(environment, release), site.image_tag(environment, release)
    tree = Git(site.repository).tree_of(sha)
    recipe = _recipe(site.settings(environment), sha, release)
    try:
        image = _known(site, environment, (tree, recipe)) or _fresh(site, environment, sha, release)
        name_image(site.engine(environment), image.id, tag)
        record = Record(release, sha, tree, image.id, recipe, image.digests)
        site.records.save(environment, record)
    except BaseException as error:
        with contextlib.suppress(OSError):
            remove_tree(folder, site.places.home)
        with contextlib.suppress(TheirFault):
            drop_image(site.engine(environment), tag)
        if isinstance(error, OSError):
            raise disk_failed(folder, error) from error
        raise
    return record


def _recipe(settings: DockerSpec, sha: str, release: str) -> str:
    """Return what besides the files makes an image; a name or an argument with the commit in it is its own."""
    if settings.image:
        return digest(_filled(settings.image, sha, release))
    args = {name: _filled(value, sha, release) for name, value in settings.build_args.items()}
    return digest([settings.dockerfile, settings.build_target, args])


def _known(site: Site, environment: str, made_of: tuple[str, str]) -> Image | None:
    """Return the image that was built from the same files by the same recipe: what was tested is what is deployed."""
    for spec in site.project.environments:
        for record in site.records.built(spec.name):
            if (record.tree_sha, record.recipe) == made_of:
                found = find_image(site.engine(environment), record.image)
                if found is not None:
                    return found
    return None


def _fresh(site: Site, environment: str, sha: str, release: str) -> Image:
    settings, git = site.settings(environment), Git(site.repository)
    if settings.image:
        return _fetched(site, environment, sha, release)
    folder = site.places.release(environment, release)
    remove_tree(folder, site.places.home)
    context = folder / "context"
    context.mkdir(parents=True)
    git.export(sha, str(context))
    order = BuildOrder(
        tag=site.image_tag(environment, release),
        dockerfile=settings.dockerfile,
        labels={HOME: site.home_id, TREE: git.tree_of(sha)},
        args={name: _filled(value, sha, release) for name, value in settings.build_args.items()},
        target=settings.build_target,
        network=settings.build_network,
        pull=settings.pull,
        seconds_max=site.project.setup_seconds_max,
    )
    with tempfile.TemporaryFile(dir=folder) as packed:
        pack(context, packed)
        remove_tree(context, site.places.home)
        packed.seek(0)
        return build_image(site.engine(environment), packed, order)


def _fetched(site: Site, environment: str, sha: str, release: str) -> Image:
    """Return the image that somebody else built of a commit.

    Raises:
        TheirFault: it cannot be fetched, or says that it is of another commit (``build_failed``).
    """
    settings, engine = site.settings(environment), site.engine(environment)
    name = _filled(settings.image, sha, release)
    found = find_image(engine, name)
    if found is None or settings.pull:
        found = pull_image(engine, name, site.project.setup_seconds_max)
    said = found.labels.get(REVISION, sha)
    if said != sha:
        raise TheirFault(
            "build_failed",
            f"{name} says that it was built from {said}, not from {sha}.",
            "build the image of this commit, or correct its label",
        )
    return found


def _filled(text: str, sha: str, release: str) -> str:
    return text.replace("{sha}", sha).replace("{release}", release)


def prune(site: Site, environment: str, keep: frozenset[str]) -> tuple[str, ...]:
    """Remove the complete releases that are not to be kept, and what a crash left of others; return their names.

    Raises:
        TheirFault: one could not be removed.
    """
    with site.locked(f"build-{environment}", site.project.setup_seconds_max + _EXTRA_SECONDS):
        gone = [one.release for one in site.records.built(environment) if one.release not in keep]
        for name in gone:
            site.records.forget(environment, name)
        _sweep(site, environment, keep)
    return tuple(gone)


def _sweep(site: Site, environment: str, keep: frozenset[str]) -> None:
    """Remove containers, images and folders of releases that have no record."""
    known = {one.release for one in site.records.built(environment)} | keep
    engine = site.engine(environment)
    for one in site.all(environment):
        if one.labels.get(RELEASE) not in known:
            engine.remove(one.name)
            inside.forget(site, one.name)
    wanted = {site.image_tag(environment, name) for name in known}
    for tag in tags_of(engine, site.repository_tag):
        if tag.startswith(site.image_tag(environment, "")) and tag not in wanted:
            drop_image(engine, tag)
    for folder in _folders(site, environment):
        if folder.name not in known:
            try:
                remove_tree(folder, site.places.home)
            except OSError as error:
                raise disk_failed(folder, error) from error


def _folders(site: Site, environment: str) -> list[Path]:
    place = site.places.releases(environment)
    return [path for path in place.iterdir() if path.is_dir()] if place.is_dir() else []
