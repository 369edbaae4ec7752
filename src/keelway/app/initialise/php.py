"""PHP projects, Laravel's among them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from keelway.app.initialise.draft import Draft, Repository
from keelway.app.initialise.preset import HEALTH, HEALTH_DEFAULT, Facts, Tool, choose

_LARAVEL = "laravel/framework"
TOOLS = (
    Tool("lint", "lint", ("vendor/bin/pint", "--test"), packages=("laravel/pint",)),
    Tool("lint", "lint", ("vendor/bin/php-cs-fixer", "check"), packages=("friendsofphp/php-cs-fixer",)),
    Tool("lint", "lint", ("vendor/bin/phpcs",), packages=("squizlabs/php_codesniffer",)),
    Tool("types", "types", ("vendor/bin/phpstan", "analyse", "--no-progress"), packages=("phpstan/phpstan", "larastan/larastan", "nunomaduro/larastan")),
    Tool("types", "types", ("vendor/bin/psalm", "--no-progress"), packages=("vimeo/psalm",)),
    Tool("tests", "tests", ("php", "artisan", "test", "--log-junit", "{junit}"), packages=(_LARAVEL,), files=("artisan",)),
    Tool("tests", "tests", ("vendor/bin/pest", "--log-junit", "{junit}"), packages=("pestphp/pest",)),
    Tool("tests", "tests", ("vendor/bin/phpunit", "--log-junit", "{junit}"), packages=("phpunit/phpunit",)),
)  # fmt: skip
MISSED = {
    "lint": "No linter is among the packages: composer require --dev laravel/pint.",
    "types": "Types are not checked: composer require --dev phpstan/phpstan, or larastan/larastan for Laravel.",
    "tests": "No test runner was recognised: composer require --dev phpunit/phpunit.",
}
_UNMEASURED = (
    "Which lines the tests run is not measured, so project.sources is empty. With the extension pcov, add "
    '"--coverage-cobertura", "{coverage}" to the tests and name the sources.'
)
_ROUTES = ("bootstrap/app.php", "routes/web.php", "routes/api.php", "public/index.php")


def recognise_php(repository: Repository, environ: Mapping[str, str]) -> Draft | None:
    """Return what a PHP project looks like, ``None`` when it is none."""
    if not repository.has("composer.json"):
        return None
    manifest = _manifest(repository)
    packages = {*_table(manifest, "require"), *_table(manifest, "require-dev")}
    checks, notes, _ = choose(TOOLS, MISSED, Facts(repository, packages, "", environ))
    if any(check.name == "tests" for check in checks):
        notes.append(_UNMEASURED)
    web: tuple[str, ...] = ()
    if repository.has("artisan"):
        web = ("php", "artisan", "serve", "--host=127.0.0.1", "--port={port}")
    elif repository.text("public/index.php"):
        web = ("php", "-S", "127.0.0.1:{port}", "-t", "public")
    return Draft(
        "Laravel" if _LARAVEL in packages else "PHP",
        ("composer", "install", "--no-interaction", "--no-progress"),
        ("vendor/bin",),
        tuple(checks),
        web,
        _health(repository),
        ("tests/*",),
        (),
        notes=tuple(notes),
    )


def _health(repository: Repository) -> str:
    found = (HEALTH.search(repository.text(name)) for name in _ROUTES)
    return next((match[1] for match in found if match), HEALTH_DEFAULT)


def _manifest(repository: Repository) -> dict[str, Any]:
    try:
        plain = json.loads(repository.text("composer.json"))
    except ValueError:
        return {}
    return plain if isinstance(plain, dict) else {}


def _table(manifest: dict[str, Any], name: str) -> dict[str, Any]:
    table = manifest.get(name)
    return table if isinstance(table, dict) else {}
