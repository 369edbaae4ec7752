"""Lock files and ranges of a patch against those of the base; each attack with its honest twin."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelway.core.model.verdict import Ruling
from keelway.core.package.locked import LockCase, judge_locks
from keelway.core.policy import DependencyPolicy

POLICY = DependencyPolicy()
FILES, INDEX = "https://files.pythonhosted.org/packages/aa", "https://pypi.org/simple"
GOOD = ["locks_kept"]


def project(*asks: str) -> str:
    return f"[project]\nname = 'shop'\ndependencies = {json.dumps(asks)}\n"


def uv(**versions: str) -> str:
    return "".join(uv_package(name, version) for name, version in {"shop": "", **versions}.items())


def uv_package(
    name: str, version: str, *, host: str = FILES, mark: str = "", wheel: str = "", source: str = ""
) -> str:
    if not version:
        return f'[[package]]\nname = "{name}"\nversion = "0"\nsource = {{ virtual = "." }}\n'
    mark = mark or f"sha256:{name}{version}"
    wheel = wheel or f"{name}-{version}-py3-none-any.whl"
    source = source or f'registry = "{INDEX}"'
    return (
        f'[[package]]\nname = "{name}"\nversion = "{version}"\nsource = {{ {source} }}\n'
        f'wheels = [{{ url = "{host}/{wheel}", hash = "{mark}" }}]\n'
    )


BASE = {"pyproject.toml": project("rich>=14,<15"), "uv.lock": uv(rich="14.0.0")}
MORE = {"pyproject.toml": project("rich>=14,<15", "slixmpp"), "uv.lock": uv(rich="14.0.0", slixmpp="1.9.0")}


def codes(base: Mapping[str, str], head: Mapping[str, str], **more: Any) -> list[str]:
    changed = frozenset(path for path, text in head.items() if base.get(path) != text)
    case = LockCase(changed=changed, base=base, head=head, **more)
    return [finding.code for finding in judge_locks(case, POLICY)]


def added(entry: str) -> dict[str, str]:
    return {**MORE, "uv.lock": uv(rich="14.0.0") + entry}


UV = [
    ("nothing", BASE, {}, []),
    ("a package", BASE, MORE, GOOD),
    ("a first lock file", {"pyproject.toml": BASE["pyproject.toml"]}, BASE, GOOD),
    ("an upgrade", BASE, {"pyproject.toml": project("rich>=14.1,<15"), "uv.lock": uv(rich="14.2.0")}, GOOD),
    ("lock alone", BASE, {**BASE, "uv.lock": uv(rich="14.2.0")}, ["lock_without_manifest"]),
    ("manifest alone", BASE, {**BASE, "pyproject.toml": MORE["pyproject.toml"]}, ["lock_stale"]),
    (
        "another pin",
        BASE,
        {"pyproject.toml": project("rich==14.1"), "uv.lock": uv(rich="14.2.0")},
        ["lock_stale"],
    ),
    ("a broken lock", BASE, {**MORE, "uv.lock": "["}, ["lock_unreadable"]),
    (
        "another host",
        BASE,
        added(uv_package("slixmpp", "1.9.0", host="https://evil.example.org")),
        ["lock_foreign_host"],
    ),
    (
        "another index",
        BASE,
        added(uv_package("slixmpp", "1.9.0", source='registry = "https://evil.example.org/simple"')),
        ["lock_foreign_host"],
    ),
    (
        "a repository",
        BASE,
        added(uv_package("slixmpp", "1.9.0", source='git = "https://github.com/x/y"')),
        ["lock_by_address"],
    ),
    (
        "no hash",
        BASE,
        added(uv_package("slixmpp", "1.9.0").replace("sha256:slixmpp1.9.0", "")),
        ["lock_hash_missing"],
    ),
    (
        "another package's file",
        BASE,
        added(uv_package("slixmpp", "1.9.0", wheel="evil-1.9.0-py3-none-any.whl")),
        ["lock_other_package"],
    ),
    (
        "another hash of the same file",
        BASE,
        {**MORE, "uv.lock": uv(slixmpp="1.9.0") + uv_package("rich", "14.0.0", mark="sha256:other")},
        ["lock_hash_changed"],
    ),
    (
        "another file of the same version",
        BASE,
        {
            **MORE,
            "uv.lock": uv(slixmpp="1.9.0")
            + uv_package("rich", "14.0.0", wheel="rich-14.0.0-cp311-any.whl", mark="sha256:o"),
        },
        ["lock_hash_changed"],
    ),
    (
        "the same file elsewhere on the host",
        BASE,
        {**MORE, "uv.lock": uv(slixmpp="1.9.0") + uv_package("rich", "14.0.0", host=FILES + "/bb")},
        GOOD,
    ),
    (
        "source only",
        BASE,
        added(
            uv_package("slixmpp", "1.9.0")
            .replace("wheels = [{", "sdist = {")
            .replace("}]", "}")
            .replace("-py3-none-any.whl", ".tar.gz")
        ),
        ["package_source_only"],
    ),
    (
        "a name like another",
        BASE,
        {
            "pyproject.toml": project("rich>=14,<15", "slixmpp"),
            "uv.lock": uv(rich="14.0.0", slixmpp="1.9.0", reqeusts="1.0"),
        },
        ["dependency_typosquat"],
    ),
    (
        "a pin removed",
        {"pyproject.toml": project("rich==14.0.0")},
        {"pyproject.toml": project("rich")},
        ["pin_removed"],
    ),
    (
        "an open range",
        {"pyproject.toml": project("rich>=14,<15")},
        {"pyproject.toml": project("rich>=14")},
        ["range_widened"],
    ),
    (
        "an older range",
        {"pyproject.toml": project("rich>=14")},
        {"pyproject.toml": project("rich>=9")},
        ["range_widened"],
    ),
    (
        "a higher pin",
        {"pyproject.toml": project("rich==14.0.0")},
        {"pyproject.toml": project("rich==14.1.0")},
        GOOD,
    ),
]


@pytest.mark.parametrize(("base", "head", "found"), [case[1:] for case in UV], ids=[case[0] for case in UV])
def test_uv(base, head, found):
    assert codes(base, head) == found


def test_a_recipe_may_bring_a_lock_file_up_to_date():
    assert codes(BASE, {**BASE, "uv.lock": uv(rich="14.2.0")}, by_recipe=True) == GOOD


def test_what_the_base_trusts_already_is_trusted():
    entry = uv_package(
        "mine",
        "1.0",
        host="https://index.example.org",
        source='registry = "https://index.example.org/simple"',
    )
    base = {"pyproject.toml": project("rich"), "uv.lock": uv(rich="14.0.0") + entry}
    head = {
        "pyproject.toml": project("rich", "mine"),
        "uv.lock": uv(rich="14.1.0") + entry.replace("1.0", "1.1"),
    }
    assert codes(base, head) == GOOD


def npm(**packages: dict[str, Any]) -> str:
    return json.dumps(
        {"packages": {"": {}, **{f"node_modules/{name}": each for name, each in packages.items()}}}
    )


def tarball(name: str, version: str, **more: Any) -> dict[str, Any]:
    place = f"https://registry.npmjs.org/{name}/-/{name}-{version}.tgz"
    return {"version": version, "resolved": place, "integrity": f"sha512-{name}{version}"} | more


def package(peers: dict[str, str] | None = None, **asks: str) -> str:
    return json.dumps({"dependencies": asks, "peerDependencies": peers or {}})


NODE = {"package.json": package(zod="^3.1.0"), "package-lock.json": npm(zod=tarball("zod", "3.1.0"))}


def node(entry: dict[str, Any], **more: dict[str, Any]) -> dict[str, str]:
    locked = npm(**{"zod": tarball("zod", "3.1.0"), "slugger": entry, **more})
    return {"package.json": package(zod="^3.1.0", slugger="^2.0.0"), "package-lock.json": locked}


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (node(tarball("slugger", "2.0.0")), GOOD),
        (node(tarball("slugger", "2.0.0", hasInstallScript=True)), ["install_script_added"]),
        (node(tarball("slugger", "2.0.0", integrity="")), ["lock_hash_missing"]),
        (node({**tarball("evil", "2.0.0")}), ["lock_other_package"]),
        (
            node(tarball("slugger", "2.0.0", resolved="git+ssh://git@github.com/x/slugger.git#1")),
            ["lock_by_address"],
        ),
        (
            node(tarball("slugger", "2.0.0", resolved="http://evil.example.org/slugger.tgz")),
            ["lock_foreign_host"],
        ),
        (
            node(tarball("slugger", "2.0.0"), zod=tarball("zod", "3.1.0", integrity="sha512-other")),
            ["lock_hash_changed"],
        ),
        (
            node(tarball("slugger", "2.0.0"), zod=tarball("zod", "3.1.0", integrity="")),
            ["lock_hash_missing", "lock_hash_changed"],
        ),
        (node(tarball("slugger", "2.0.0"), zod=tarball("zod", "3.1.0", integrity="sha1-old")), GOOD),
        (node(tarball("slugger", "2.0.0"), crossenv=tarball("crossenv", "1.0.0")), ["dependency_typosquat"]),
        ({**NODE, "package.json": package({"react": "*"}, zod="^3.1.0", react="*")}, GOOD),
        ({**NODE, "package.json": package(zod="*")}, ["range_widened"]),
        ({"package.json": package(zod="^3.1.0", slugger="^2.0.0")}, GOOD),
        ({**NODE, "package.json": "["}, GOOD),
    ],
)
def test_npm(head, found):
    assert codes(NODE, head) == found


def test_a_package_that_ran_scripts_before_may_go_on():
    base = node(tarball("slugger", "2.0.0", hasInstallScript=True))
    head = node(tarball("slugger", "2.1.0", hasInstallScript=True))
    head["package.json"] = package(zod="^3.1.0", slugger="^2.1.0")
    assert codes(base, head) == GOOD


def composer(*packages: str) -> str:
    listed = [
        {
            "name": name,
            "version": version,
            "dist": {
                "type": "zip",
                "url": f"https://api.github.com/repos/{name}/zipball/{version}{mark}",
                "reference": version + mark,
            },
        }
        for name, version, mark in (each.split(" ") for each in packages)
    ]
    return json.dumps({"packages": listed})


def test_composer():
    base = {
        "composer.json": '{"require": {"php": "^8", "a/one": "^1.0"}}',
        "composer.lock": composer("a/one v1.0 x"),
    }
    manifest = '{"require": {"php": "^8", "a/one": "^1.0", "a/two": "2.0.0"}}'
    assert (
        codes(base, {"composer.json": manifest, "composer.lock": composer("a/one v1.0 x", "a/two v2.0.0 y")})
        == GOOD
    )
    assert codes(base, {"composer.json": manifest, "composer.lock": composer("a/one v1.0 x")}) == [
        "lock_stale"
    ]
    moved = {"composer.json": manifest, "composer.lock": composer("a/one v1.0 z", "a/two v2.0.0 y")}
    assert codes(base, moved) == ["lock_hash_changed"]


def test_go():
    base = {"go.mod": "require example.org/a v1.0.0\n", "go.sum": "example.org/a v1.0.0 h1:aa=\n"}
    more = base["go.mod"] + "require example.org/b v1.0.0\n"
    good = base["go.sum"] + "example.org/b v1.0.0 h1:bb=\n"
    assert codes(base, {"go.mod": more, "go.sum": good}) == GOOD
    assert codes(base, {"go.mod": more, "go.sum": good.replace("h1:aa=", "h1:cc=")}) == ["lock_hash_changed"]


def test_a_kind_that_cannot_be_read_asks_a_person():
    case = LockCase(changed=frozenset({"web/yarn.lock"}), base={}, head={"web/yarn.lock": "a@1:\n"})
    (finding,) = judge_locks(case, POLICY)
    assert (finding.code, finding.ruling) == ("lock_unread", Ruling.HOLD)


def pins(*lines: str) -> dict[str, str]:
    return {"requirements.txt": "\n".join(lines) + "\n"}


HASHED = pins("rich==14.0 \\", "    --hash=sha256:aa")


@pytest.mark.parametrize(
    ("base", "head", "found"),
    [
        (HASHED, pins("rich==14.0 --hash=sha256:aa", "zod==1 --hash=sha256:bb"), GOOD),
        (HASHED, pins("rich==14.1 --hash=sha256:bb"), GOOD),
        (HASHED, pins("rich==14.0"), ["lock_hash_missing"]),
        (HASHED, pins("rich==14.0 --hash=sha256:aa", "zod>=1"), ["lock_hash_missing"]),
        (HASHED, pins("rich==14.0 --hash=sha256:bb"), ["lock_hash_changed"]),
        (HASHED, pins("rich==14.0 --hash=sha256:aa --hash=sha256:bb"), GOOD),
        (HASHED, pins("rich>=14.0 --hash=sha256:aa"), ["pin_removed", "lock_hash_missing"]),
        (pins("rich==14.0"), pins("rich==14.1"), GOOD),
        (pins("rich==14.0"), pins("rich"), ["pin_removed"]),
    ],
)
def test_requirements(base, head, found):
    assert codes(base, head) == found


def test_a_neighbour_that_did_not_change_is_left_alone():
    case = LockCase(changed=frozenset(), base=BASE, head={**BASE, "requirements.txt": "rich\n"})
    assert judge_locks(case, POLICY) == ()


def test_many_are_counted_and_a_few_are_named():
    entries = "".join(
        uv_package(f"package{number}", "1", host="https://github.com").replace(f"sha256:package{number}1", "")
        for number in range(7)
    )
    case = LockCase(
        changed=frozenset({"uv.lock", "pyproject.toml"}),
        base=BASE,
        head={**BASE, "uv.lock": BASE["uv.lock"] + entries},
    )
    (finding,) = judge_locks(case, POLICY)
    assert "7 package(s)" in finding.message
    assert "2 more" in finding.message


@given(
    st.text(max_size=200),
    st.text(max_size=200),
    st.sampled_from(["uv.lock", "package-lock.json", "requirements.txt", "go.sum", "pyproject.toml"]),
)
def test_any_text_can_be_judged(before, now, path):
    judge_locks(LockCase(changed=frozenset({path}), base={path: before}, head={path: now}), POLICY)


@pytest.mark.parametrize(
    ("path", "before", "now", "found"),
    [
        ("package.json", "{}", '{"scripts": {"postinstall": "node x.js"}}', ["install_hook_added"]),
        ("package.json", "{}", '{"scripts": {"test": "vitest", "lint": "eslint ."}}', GOOD),
        (
            "package.json",
            '{"scripts": {"prepare": "husky"}}',
            '{"scripts": {"prepare": "husky", "a": "b"}}',
            GOOD,
        ),
        (
            "package.json",
            '{"scripts": {"prepare": "husky"}}',
            '{"scripts": {"prepare": "curl e.org"}}',
            ["install_hook_added"],
        ),
        ("composer.json", "{}", '{"scripts": {"post-install-cmd": "php x.php"}}', ["install_hook_added"]),
        ("pyproject.toml", "", '[build-system]\nbackend-path = ["."]\n', ["install_hook_added"]),
        ("pyproject.toml", "", '[build-system]\nrequires = ["hatchling"]\n', GOOD),
        ("requirements/prod.txt", "rich==14.0\n", "rich\n", ["pin_removed"]),
        ("constraints.txt", "rich==14.0\n", "rich>=14.0\n", ["pin_removed"]),
    ],
)
def test_what_runs_by_itself_and_lists_in_other_places(path, before, now, found):
    assert codes({path: before}, {path: now}) == found


def test_what_runs_by_itself_asks_a_person():
    case = LockCase(
        changed=frozenset({"package.json"}),
        base={"package.json": "{}"},
        head={"package.json": '{"scripts": {"postinstall": "node x.js"}}'},
    )
    (finding,) = judge_locks(case, POLICY)
    assert (finding.code, finding.ruling) == ("install_hook_added", Ruling.HOLD)


def test_one_file_with_two_hashes_is_refused_in_whichever_order():
    honest, evil = tarball("slugger", "2.0.0"), tarball("slugger", "2.0.0", integrity="sha512-evil")
    for first, second in ((honest, evil), (evil, honest)):
        locked = json.dumps(
            {
                "packages": {
                    "node_modules/slugger": first,
                    "node_modules/zod": tarball("zod", "3.1.0"),
                    "node_modules/zod/node_modules/slugger": second,
                }
            }
        )
        head = {"package.json": package(zod="^3.1.0", slugger="^2.0.0"), "package-lock.json": locked}
        assert codes(NODE, head) == ["lock_hash_changed"]
        assert (
            codes(node(honest), {**head, "package.json": package(zod="^3.2.0", slugger="^2.0.0")})[-1]
            == "lock_hash_changed"
        )


ASKING = {
    "range_widened",
    "install_script_added",
    "package_source_only",
    "lock_unread",
    "dependency_typosquat",
}


def test_what_asks_a_person_and_what_stops():
    cases = [(base, head) for _, base, head, _ in UV]
    cases.append((NODE, node(tarball("slugger", "2.0.0", hasInstallScript=True))))
    found = [
        finding
        for base, head in cases
        for finding in judge_locks(
            LockCase(changed=frozenset(p for p, t in head.items() if base.get(p) != t), base=base, head=head),
            POLICY,
        )
    ]
    wrong = {
        finding.code: finding.ruling
        for finding in found
        if finding.code != "locks_kept"
        and finding.ruling is not (Ruling.HOLD if finding.code in ASKING else Ruling.FAIL)
    }
    assert wrong == {}
    assert len({finding.code for finding in found}) > 10
