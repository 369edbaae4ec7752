"""go test: the tests of one package share one process, so each package gets a failing test."""

from __future__ import annotations

import re
from shlex import quote

from keelway.core.runner.runner import Case, Locate, Reach, Runner, Seed, Texts, below, folder_of, name_of
from keelway.core.source.go import lex, places
from keelway.core.source.token import COMMENT, NAME, Token

_TESTS = re.compile(r"(?:Test|Example|Fuzz|Benchmark)(?:$|[^a-z])")
_ALL = re.compile(r"(?:^|(?<=\s))\./\.\.\.(?=$|\s)")
_MODULE = re.compile(r'(?m)^\s*module\s+"?([^\s"]+)')


def _words(text: str) -> list[Token]:
    return [token for token in lex(text) if token.kind != COMMENT]


def _package(text: str) -> str:
    words = _words(text)
    for number, token in enumerate(words[:-1]):
        if token.kind == NAME and token.text == "package":
            return words[number + 1].text
    return ""


def _seed(name: str, texts: Texts) -> tuple[Seed, ...]:
    seeds: dict[str, Seed] = {}
    for path, text in texts.items():
        folder, package = folder_of(path), _package(text)
        if folder in seeds or not package.isidentifier():
            continue
        test = f"Test_{name}_{len(seeds):05d}"
        body = (
            f'package {package}\n\nimport "testing"\n\n'
            f'func {test}(t *testing.T) {{ t.Fatal("this test has to fail") }}\n'
        )
        seeds[folder] = Seed(test, below(folder, f"{name}_{len(seeds):05d}_test.go"), body)
    return tuple(seeds.values())


def modules_of(texts: Texts) -> dict[str, str]:
    """Return the folders of the Go modules whose ``go.mod`` is among the texts, by the name of the module."""
    return {
        found[1]: folder_of(path)
        for path, text in texts.items()
        if name_of(path) == "go.mod" and (found := _MODULE.search(text))
    }


def _locate(texts: Texts) -> Locate:
    """Prepare to find the file that declares a test: package and function name it."""
    modules = {folder: name for name, folder in modules_of(texts).items()}
    declared: dict[tuple[str, str], str] = {}
    for path, text in texts.items():
        if path.endswith("_test.go"):
            package = _import_path(folder_of(path), modules)
            declared |= {(package, test): path for test in _tests(text)}

    def locate(case: Case) -> str:
        package = case.group or (case.suites[-1] if case.suites else "")
        file = declared.get((package, case.name.split("/")[0]), "")
        return f"{file}::{case.name}" if file else f"{package}.{case.name}"

    return locate


def _import_path(folder: str, modules: dict[str, str]) -> str:
    parent, rest = folder, ""
    while parent not in modules and parent != ".":
        rest = below(name_of(parent), rest) if rest else name_of(parent)
        parent = folder_of(parent)
    name = modules.get(parent, "")
    return below(name or ".", rest) if rest else name or "."


def _tests(text: str) -> tuple[str, ...]:
    words = _words(text)
    found = {place.removeprefix("func ") for place in places(words) if place.startswith("func ")}
    return tuple(sorted(name for name in found if _TESTS.match(name)))


def _related(run: tuple[str, ...], sources: tuple[str, ...]) -> tuple[str, ...]:
    folders = sorted({folder_of(path) for path in sources if path.endswith(".go")})
    packages = tuple("." if folder == "." else f"./{folder}" for folder in folders)
    if not packages or not any(_ALL.search(word) for word in run):
        return ()
    quoted = " ".join(map(quote, packages))
    return tuple(
        part
        for word in run
        for part in (packages if word == "./..." else (_ALL.sub(lambda _: quoted, word),))
    )


GO = Runner(
    "go",
    re.compile(r"(?:^|[\s/])go\s+test(?=$|\s)|(?:^|[\s/])gotestsum(?=$|\s)"),
    ("*_test.go",),
    (".go",),
    Reach.FOLDER,
    _seed,
    _locate,
    manifests=("go.mod",),
    related=_related,
    install="apt-get install golang gotestsum",
)
