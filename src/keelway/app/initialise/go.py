"""Go projects."""

from __future__ import annotations

from collections.abc import Mapping

from keelway.app.initialise.draft import Draft, Repository
from keelway.app.initialise.preset import Facts, Tool, choose, health_of

_COMPILERS = ("gcc", "clang", "cc")
_NO_RACE = "Races are not looked for, because the race detector needs a C compiler: apt-get install gcc, and add -race to the tests."
_LINTS = (".golangci.yml", ".golangci.yaml", ".golangci.toml")


def tools(*, race: bool) -> tuple[Tool, ...]:
    """Return the tools of Go; ``race`` lets the tests look for races."""
    flags = ("-count=1", *(("-race",) if race else ()), "-coverpkg=./...")
    shell = f'go test -json {" ".join(flags)} -coverprofile="$1" ./... > "$0"'
    gotestsum = ("gotestsum", "--junitfile", "{junit}", "--", *flags, "-coverprofile={coverage}", "./...")
    return (
        Tool("lint", "lint", ("golangci-lint", "run"), files=_LINTS),
        Tool("vet", "lint", ("go", "vet", "./...")),
        Tool("build", "build", ("go", "build", "./...")),
        Tool("tests", "tests", gotestsum, program="gotestsum"),
        Tool("tests", "tests", ("sh", "-c", shell, "{junit}", "{coverage}")),
    )


def recognise_go(repository: Repository, environ: Mapping[str, str]) -> Draft | None:
    """Return what a Go project looks like, ``None`` when it is none."""
    if not repository.has("go.mod"):
        return None
    facts = Facts(repository, (), "", environ)
    race = any(facts.has_program(name) for name in _COMPILERS)
    checks, notes, _ = choose(tools(race=race), {}, facts)
    main = next((name for name in repository.files(".go") if "func main()" in repository.text(name)), "")
    folder = "./" + main.rpartition("/")[0] if main else ""
    return Draft(
        "Go",
        ("go", "build", "-o", "bin/app", folder) if folder else (),
        (),
        tuple(checks),
        ("./bin/app",) if folder else (),
        health_of(repository, ".go"),
        ("*_test.go", "*/testdata/*", "testdata/*"),
        ("*.go",),
        coverage=True,
        notes=(*notes, *(() if race else (_NO_RACE,))),
    )
