"""What scanners, lock files and migrations stop (rows C04, C14, D01 to D11, G12), each attack with its honest twin."""

from __future__ import annotations

import json

import pytest
from tests.adapters.scanner.feed import feed
from tests.adapters.scanner.rig import Bench
from tests.core.package.test_locked import (
    BASE,
    FILES,
    INDEX,
    MORE,
    NODE,
    node,
    package,
    project,
    tarball,
    uv,
    uv_package,
)
from tests.core.package.test_locked import npm as lock_of

from keelway.core.policy import ScanPolicy
from keelway.core.rule.secrets import find_secrets

pytestmark = pytest.mark.long


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


# In pieces, so that no scanner of anybody takes this file for one that holds credentials.
KEYS = {
    "AWS": 'key = "' + "AKIA" + 'Q3EGRJZ7NHXW5TPM"',
    "AWS secret": "aws_secret_access_key = '" + "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYzzKQmvNpQ3'",
    "GitHub": 'token = "' + "ghp_" + 'Zx8Qk2Lw9Rt4Yp7Vb3Nc6Md1Fs5Gh0Jk2Lq4"',
    "GitLab": 'token = "' + "glpat-" + 'x7Kq2mPz9vRt4LwYb8Nc"',
    "Slack": 'token = "' + "xoxb-" + '2412345678-2412345678-Qw8ErT6yU3iO1pAs9DfGhJkL"',
    "Stripe": 'key = "' + "sk_live_" + '4eC39HqLyjWDarjtT1zdp7dc"',
    "private key": "-----BEGIN " + "RSA PRIVATE KEY-----",
    "password in an address": 'db = "postgresql://shop:' + 'hK7x2Qp9@db.internal/shop"',
    "npm": "//registry.npmjs.org/:_authToken=" + "npm_" + "Zx8Qk2Lw9Rt4Yp7Vb3Nc6Md1Fs5Gh0Jk2Lq4",
    "SendGrid": 'key = "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"',
    "web token": 'jwt = "'
    "eyJhbGciOiJIUzI1NiJ9."
    "eyJzdWIiOiIxMjM0NTY3ODkwIn0."
    'dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"',
    "Telegram": 'bot = "' + "5123456789:AA" + 'HdqTcvCH1vGWJxfSeofSAs0K5PALDsawX"',
    "Twilio": 'key = "' + "SK" + '5d41402abc4b2a76b9719d911017c592"',
}


@pytest.mark.parametrize("name", KEYS)
def test_c04_a_credential_is_found(bench, name):
    bench.tools = ("detect_secrets",)
    found = bench.codes({}, {"settings.py": f"one = 1\n{KEYS[name]}\n"})
    assert found & {"secret_found", "secret_suspected"} or find_secrets(KEYS[name]), name
    assert KEYS[name][8:30] not in repr(bench.reports)


@pytest.mark.parametrize("mark", ["# pragma: allowlist secret", "# gitleaks:allow", "# nosec"])
def test_c04_no_comment_allows_a_credential(bench, mark):
    bench.tools = ("detect_secrets",)
    before = f"# pragma: allowlist nextline secret\n{KEYS['AWS']}  {mark}\n"
    assert "secret_found" in bench.codes({}, {"settings.py": before})


@pytest.mark.parametrize(
    "text",
    [
        'key = os.environ["AWS_ACCESS_KEY_ID"]\n',
        'password = getpass.getpass("Password: ")\n',
        'TOKEN_NAME = "csrf-token"\n',
        'url = "postgresql://localhost/shop"\n',
        "A token begins with `ghp_`, a key with `AKIA`.\n",
        "digest = hashlib.sha256(data).hexdigest()\n",
    ],
)
def test_c04_twin_code_that_speaks_of_secrets_is_fine(bench, text):
    bench.tools = ("detect_secrets", "known_secrets")
    assert bench.codes({}, {"settings.py": "import os\n" + text}) == set()


SINKS = {
    "eval": "def run(text):\n    return eval(text)\n",
    "shell": "import subprocess\n\n\ndef run(text):\n    subprocess.call(text, shell=True)\n",
    "pickle": "import pickle\n\n\ndef run(raw):\n    return pickle.loads(raw)\n",
    "yaml": "import yaml\n\n\ndef run(raw):\n    return yaml.load(raw)\n",
    "SQL": "def run(db, name):\n    return db.execute(\"SELECT * FROM ships WHERE name = '%s'\" % name)\n",
    "TLS": "import requests\n\n\ndef run(url):\n    return requests.get(url, verify=False, timeout=5)\n",
    "template": "import jinja2\n\nenv = jinja2.Environment(autoescape=False)\n",
    "mark_safe": "from django.utils.safestring import mark_safe\n\n\ndef run(text):\n    return mark_safe(text)\n",
    "hash": "import hashlib\n\n\ndef run(text):\n    return hashlib.md5(text).hexdigest()\n",
    "temporary": "def run():\n    return open('/tmp/x', 'w')\n",
    "every address": "def run(s):\n    s.bind(('0.0.0.0', 80))\n",
}


def test_c14_unsafe_calls_are_found_one_by_one_and_all_of_them(bench):
    bench.tools = ("bandit",)
    found = bench.weighed({}, {f"{name.replace(' ', '_')}.py": text for name, text in SINKS.items()})
    (report,) = bench.reports
    assert {hit.path.removesuffix(".py").replace("_", " ") for hit in report.hits} == {
        name.replace("_", " ") for name in SINKS
    }
    assert [finding.code for finding in found.findings] == ["sast_worse"]


def test_c14_twin_the_safe_way_to_do_the_same_is_fine(bench):
    bench.tools = ("bandit",)
    safe = {
        "a.py": "import ast\n\n\ndef run(text):\n    return ast.literal_eval(text)\n",
        "b.py": "import subprocess\n\n\ndef run(name):\n    return subprocess.run(['ls', name], check=True)\n",
        "c.py": "import yaml\n\n\ndef run(raw):\n    return yaml.safe_load(raw)\n",
        "d.py": 'def run(db, name):\n    return db.execute("SELECT * FROM ships WHERE name = ?", (name,))\n',
        "e.py": "import hashlib\n\n\ndef run(text):\n    return hashlib.sha256(text).hexdigest()\n",
    }
    assert bench.codes({}, safe) == set()
    assert bench.codes({}, {"tests/test_a.py": SINKS["pickle"]}) == set()


def test_d01_a_name_like_another_asks_a_person(bench):
    head = {**MORE, "uv.lock": uv(rich="14.0.0", slixmpp="1.9.0", reqeusts="1.0")}
    found = bench.weighed(BASE, head)
    assert "dependency_typosquat" in {finding.code for finding in found.findings}
    assert found.level == "high"
    assert "well-known requests" in " ".join(found.factors)


def test_d01_twin_a_package_that_is_like_no_other_is_fine(bench):
    assert bench.codes(BASE, MORE) == set()


POISONED = {
    "another host": (uv_package("slixmpp", "1.9.0", host="https://evil.example.org"), "lock_foreign_host"),
    "a host in the user's name": (
        uv_package("slixmpp", "1.9.0", host="https://pypi.org@evil.example.org"),
        "lock_foreign_host",
    ),
    "another index": (
        uv_package("slixmpp", "1.9.0", source='registry = "https://evil.example.org"'),
        "lock_foreign_host",
    ),
    "another file": (uv_package("slixmpp", "1.9.0", wheel="evil-1-py3-none-any.whl"), "lock_other_package"),
    "no hash": (uv_package("slixmpp", "1.9.0").replace("sha256:slixmpp1.9.0", ""), "lock_hash_missing"),
    "a repository": (
        uv_package("slixmpp", "1.9.0", source='git = "https://github.com/x/y"'),
        "lock_by_address",
    ),
}


@pytest.mark.parametrize("name", POISONED)
def test_d02_a_poisoned_lock_file_is_refused(bench, name):
    entry, code = POISONED[name]
    assert bench.codes(BASE, {**MORE, "uv.lock": BASE["uv.lock"] + entry}) == {code}


def test_d02_another_hash_of_the_same_version_and_a_lock_alone_are_refused(bench):
    moved = uv(slixmpp="1.9.0") + uv_package("rich", "14.0.0", mark="sha256:other")
    assert bench.codes(BASE, {**MORE, "uv.lock": moved}) == {"lock_hash_changed"}
    assert bench.codes(BASE, {**BASE, "uv.lock": uv(rich="14.1.0")}) == {"lock_without_manifest"}
    assert bench.codes(NODE, node(tarball("evil", "2.0.0"))) == {"lock_other_package"}


def test_d02_twin_an_honest_upgrade_is_fine(bench):
    assert (
        bench.codes(BASE, {"pyproject.toml": project("rich>=14.1,<15"), "uv.lock": uv(rich="14.2.0")})
        == set()
    )
    bench.by_recipe = True
    assert bench.codes(BASE, {**BASE, "uv.lock": uv(rich="14.2.0")}) == set()


def test_d03_what_runs_when_it_is_installed_asks_a_person(bench):
    found = bench.weighed(NODE, node(tarball("slugger", "2.0.0", hasInstallScript=True)))
    assert (found.level, "install_script_added" in {each.code for each in found.findings}) == ("high", True)
    source = f'[[package]]\nname = "slixmpp"\nversion = "1.9.0"\nsource = {{ registry = "{INDEX}" }}\nsdist = {{ url = "{FILES}/slixmpp-1.9.0.tar.gz", hash = "sha256:x" }}\n'
    found = bench.weighed(BASE, {**MORE, "uv.lock": BASE["uv.lock"] + source})
    assert (found.level, "package_source_only" in {each.code for each in found.findings}) == ("high", True)


def test_d03_twin_built_packages_without_scripts_are_fine(bench):
    assert bench.codes(NODE, node(tarball("slugger", "2.0.0"))) == set()


@pytest.mark.parametrize(
    "entry",
    [
        {"resolved": "git+ssh://git@github.com/x/slugger.git#1"},
        {"resolved": "file:../slugger"},
        {"link": True, "resolved": "packages/slugger"},
    ],
)
def test_d04_a_dependency_by_address_is_refused(bench, entry):
    assert bench.codes(NODE, node(tarball("slugger", "2.0.0", **entry))) >= {"lock_by_address"}


@pytest.mark.parametrize(
    ("before", "now", "code"),
    [
        ("rich==14.0.0", "rich", "pin_removed"),
        ("rich==14.0.0", "rich>=14", "pin_removed"),
        ("rich>=14,<15", "rich>=14", "range_widened"),
        ("rich>=14,<15", "rich>=9,<15", "range_widened"),
        ("rich==14.0.0", "rich==13.0.0", "range_widened"),
    ],
)
def test_d07_what_was_held_is_not_let_go(bench, before, now, code):
    base, head = {"pyproject.toml": project(before)}, {"pyproject.toml": project(now)}
    assert bench.codes(base, head) == {code}


def test_d07_hashes_of_requirements_stay(bench):
    hashed = {"requirements.txt": "rich==14.0 --hash=sha256:aa\n"}
    assert bench.codes(hashed, {"requirements.txt": "rich==14.0\n"}) == {"lock_hash_missing"}
    assert bench.codes(hashed, {"requirements.txt": "rich==14.0 --hash=sha256:bb\n"}) == {"lock_hash_changed"}


def test_d07_twin_a_higher_pin_is_fine(bench):
    assert (
        bench.codes({"pyproject.toml": project("rich==14.0.0")}, {"pyproject.toml": project("rich==14.1.0")})
        == set()
    )
    hashed = {"requirements.txt": "rich==14.0 --hash=sha256:aa\n"}
    assert bench.codes(hashed, {"requirements.txt": "rich==14.1 --hash=sha256:bb\n"}) == set()


FLOW = """name: ci
on:
  push:
permissions: {}
jobs:
  test:
    name: test
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2
        with:
          persist-credentials: false
      - run: make test
"""
CI = ".github/workflows/ci.yml"


@pytest.mark.parametrize(
    ("what", "instead"),
    [
        ("actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2", "someone/else@main"),
        ("  push:", "  pull_request_target:"),
        ("permissions: {}", "permissions: write-all"),
        ("make test", 'echo "${{ github.event.issue.title }}"'),
        ("make test", 'echo "${{ github.event.issue.title }}" # zizmor: ignore[template-injection]'),
    ],
)
def test_d10_an_unsafe_workflow_is_found(bench, what, instead):
    bench.tools = ("zizmor",)
    assert what in FLOW
    assert bench.codes({CI: FLOW}, {CI: FLOW.replace(what, instead)}) == {"workflow_unsafe"}


def test_d10_twin_a_pinned_workflow_is_fine(bench):
    bench.tools = ("zizmor",)
    assert bench.codes({}, {CI: FLOW}) == set()
    unsafe = FLOW.replace("  push:", "  pull_request_target:")
    assert bench.codes({CI: unsafe}, {CI: unsafe.replace("make test", "make all")}) == set()


def test_d11_a_scanner_that_saw_nothing_is_not_passed(bench):
    bench.tools = ("pip_audit",)
    bench.policy = ScanPolicy(feed="http://127.0.0.1:9/v1/query", seconds_max=30)
    found = bench.weighed(BASE, MORE)
    assert "advisory_unknown" in {finding.code for finding in found.findings}
    assert found.level == "high"
    bench.tools, bench.policy = ("zizmor",), ScanPolicy()
    assert bench.codes({}, {CI: "- : : nonsense"}) <= {"scanner_empty", "scanner_failed"}
    assert bench.reports[0].examined == ()
    bench.tools = ("bandit",)
    bench.policy = ScanPolicy(seconds_max=0.01)
    assert bench.codes({}, {"a.py": "one = 1\n"}) == {"scanner_failed"}


def test_d11_an_open_advisory_is_refused_and_a_mended_version_is_fine(bench):
    bench.tools = ("pip_audit",)
    with feed() as service:
        service.flaws = {"slixmpp": "2.0"}
        bench.policy = ScanPolicy(feed=service.osv)
        assert bench.codes(BASE, MORE) == {"advisory_open"}
        mended = {**MORE, "uv.lock": uv(rich="14.0.0", slixmpp="2.0.0")}
        assert bench.codes(BASE, mended) == set()


STEPS = {
    "migrations/0002.sql": "ALTER TABLE ships DROP COLUMN name;\n",
    "alembic/versions/2_x.py": 'from alembic import op\n\n\ndef upgrade():\n    op.drop_column("ships", "name")\n',
    "app/migrations/0002_x.py": "class Migration:\n    operations = [migrations.RemoveField('ship', 'name')]\n",
    "database/migrations/2026_x.php": "<?php class X { public function up() { Schema::drop('ships'); } }",
    "prisma/migrations/2/migration.sql": 'ALTER TABLE "Ship" ALTER COLUMN "name" SET DATA TYPE VARCHAR(5);\n',
    "db/migrate/2_x.rb": "class X; def change; remove_column :ships, :name; end; end\n",
}


@pytest.mark.parametrize("path", STEPS)
def test_g12_a_migration_that_cannot_be_taken_back_asks_a_person(bench, path):
    found = bench.weighed({}, {path: STEPS[path]})
    assert "migration_irreversible" in {finding.code for finding in found.findings}
    assert found.level == "high"
    assert "cannot be taken back" in found.factors[0]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("migrations/0002.sql", "ALTER TABLE ships ADD COLUMN flag TEXT;\n"),
        ("migrations/0002.down.sql", "ALTER TABLE ships DROP COLUMN flag;\n"),
        (
            "alembic/versions/2_x.py",
            'from alembic import op\nimport sqlalchemy as sa\n\n\ndef upgrade():\n    op.add_column("ships", sa.Column("flag", sa.String()))\n\n\ndef downgrade():\n    op.drop_column("ships", "flag")\n',
        ),
        (
            "app/migrations/0002_x.py",
            "class Migration:\n    operations = [migrations.AddField('ship', 'flag', models.TextField(null=True), field=models.TextField(null=True))]\n",
        ),
        (
            "database/migrations/2026_x.php",
            "<?php class X { public function up() { Schema::table('ships', function ($table) { $table->string('flag')->nullable(); }); } public function down() { Schema::drop('ships'); } }",
        ),
    ],
)
def test_g12_twin_a_migration_that_only_adds_is_fine(bench, path, text):
    found = bench.weighed({}, {path: text})
    assert found.level == "low"
    assert json.dumps([finding.code for finding in found.findings]).count("irreversible") == 0


def test_d11_an_open_advisory_of_npm_is_refused_and_a_mended_version_is_fine(bench):
    bench.tools = ("npm_audit",)
    with feed() as service:
        service.flaws = {"zod": "3.2.0"}
        bad, good = (
            json.dumps({**json.loads(lock_of(zod=tarball("zod", version))), "lockfileVersion": 3})
            for version in ("3.1.0", "3.2.0")
        )
        bench.npm = service.url
        manifest = {"package.json": package(zod="^3.1.0")}
        assert bench.codes({}, {**manifest, "package-lock.json": good}) == set()
        assert bench.codes({}, {**manifest, "package-lock.json": bad}) == {"advisory_open"}
