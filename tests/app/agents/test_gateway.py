"""The gateway as configured: providers by name alone, keys from the secrets file, prices, the policy's silence."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.clients.gateway.provider import Reply, ScriptedProvider
from tests.clients.gateway.rig import asking, call

from keelway.adapters.vault.file import FileVault
from keelway.app.agents.gateway import make_gateway, provider_of
from keelway.app.config import Config, load_config
from keelway.app.doctor.project import check_secrets
from keelway.app.doctor.providers import check_prices
from keelway.app.home import Home
from keelway.clients.gateway.values import Allowance, Entry, Grant
from keelway.core.errors import YourFault

SMALL = """
[project]
name = "small"
[[check]]
name = "tests"
kind = "tests"
run = ["pytest"]
[[process]]
name = "web"
run = ["python", "-m", "small"]
[staging]
port = 8001
[production]
port = 8002
"""
NO_VAULT = FileVault("/nonexistent")


def load(folder: Path, more: str) -> Config:
    (folder / "keelway.toml").write_text(SMALL + more)
    return load_config(folder / "keelway.toml")


def test_a_known_provider_needs_its_name_only(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        '[[provider]]\nname = "anthropic"\nkey = "claude"\n[[provider]]\nname = "mistral"\n'
        '[[provider]]\nname = "house"\napi = "openai"\nurl = "http://127.0.0.1:1/v1"\n'
        'prices = { "*" = [0, 0], "m" = [1.5, 2, 0.5] }\n',
    )
    anthropic, mistral, house = (provider_of(section, NO_VAULT) for section in config.file.provider)
    assert (anthropic.api, anthropic.url) == ("anthropic", "https://api.anthropic.com")
    assert (mistral.api, mistral.stream_usage, mistral.key()) == ("openai-chat", False, "")
    assert (house.prices["m"].input_usd, house.prices["m"].cached_usd) == (1.5, 0.5)
    assert (house.prices["*"].output_usd, house.prices["*"].cached_usd) == (0, None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('name = "acme"', "needs api and url"),
        ('name = "acme"\napi = "smoke"\nurl = "https://x.example"', "speaks 'smoke'"),
        ('name = "acme"\napi = "openai"\nurl = "x.example/v1"', "write https://host/path"),
        ('name = "acme"\napi = "openai"\nurl = "https://x.example/v1?key=1"', "secrets file"),
        ('name = "acme"\napi = "openai"\nurl = "https://u:p@x.example/v1"', "secrets file"),
        ('name = "acme"\napi = "openai"\nurl = "http://x.example/v1"\nkey = "k"', "unencrypted at x.example"),
        ('name = "acme"\napi = "openai"\nurl = "http://[::1/v1"', "which is none"),
        ('name = "openai"\nprices = { "m" = [1] }', "two or three prices"),
        ('name = "openai"\nprices = { "m" = [1, -1] }', "two or three prices"),
        ('name = "openai"\nprices = { "m" = [1, inf] }', "two or three prices"),
        ('name = "openai"\n[[provider]]\nname = "openai"', "is there twice"),
        ('name = "openai"\nkeys = "x"', "did you mean key?"),
    ],
)
def test_what_cannot_be_right_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(YourFault) as caught:
        load(tmp_path, f"[[provider]]\n{text}\n")
    assert said in caught.value.message


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/v1", "http://localhost:1/v1", "http://[::1]:1/v1"])
def test_a_key_may_go_to_this_machine_in_the_clear(tmp_path: Path, url: str) -> None:
    load(tmp_path, f'[[provider]]\nname = "here"\napi = "openai"\nurl = "{url}"\nkey = "k"\n')


def test_a_key_that_is_missing_is_found_by_the_doctor(tmp_path: Path) -> None:
    config = load(tmp_path, '[[provider]]\nname = "openai"\nkey = "model"\n')
    home = Home(tmp_path / "home")
    home.prepare()
    secrets = home.root / "secrets.env"
    secrets.touch(0o600)
    assert "does not name model" in check_secrets(config, home)[0].sentence
    secrets.write_text("model=sk-1\n")
    assert check_secrets(config, home)[0].state == "ok"


def test_a_model_without_a_price_is_found_by_the_doctor(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    assert check_prices(load(tmp_path, ""), home) == ()
    known = '[[provider]]\nname = "openai"\nmodels = ["gpt-5", "gpt-5-mini"]\n'
    assert check_prices(load(tmp_path, known), home)[0].sentence == "2 named models have a price."
    (found,) = check_prices(load(tmp_path, known.replace("gpt-5-mini", "house-7")), home)
    assert (found.state, "house-7 of openai" in found.sentence) == ("warn", True)
    priced = known.replace("gpt-5-mini", "house-7") + 'prices = { "house-7" = [1.0, 2.0] }\n'
    assert check_prices(load(tmp_path, priced), home)[0].state == "ok"


def test_without_a_provider_there_is_no_gateway(tmp_path: Path) -> None:
    config, home = load(tmp_path, ""), Home(tmp_path / "home")
    assert make_gateway(config, home, NO_VAULT, book=print, allowance=lambda _: Allowance()) is None


def test_the_configured_gateway_serves_and_takes_a_new_key_at_once(tmp_path: Path) -> None:
    provider, booked = ScriptedProvider(), []
    more = f"""
[[provider]]
name = "here"
api = "openai-chat"
url = "{provider.url}/v1"
key = "model"
models = ["house-7"]
prices = {{ "house-7" = [1.0, 2.0] }}
[policy.gateway]
silence_seconds_max = 0.2
"""
    config = load(tmp_path, more)
    home = Home(tmp_path / ("h" * 80))  # too long for a socket
    home.prepare()
    secrets = home.root / "secrets.env"
    secrets.touch(0o600)
    secrets.write_text("model=sk-first\n")
    vault = FileVault(str(home.root))
    gateway = make_gateway(config, home, vault, book=booked.append, allowance=lambda _: Allowance())
    assert gateway is not None
    try:
        opened = gateway.open(Grant("T-1", "dev", 1, "a", "here"))
        ask = asking("openai-chat") | {"model": "house-7"}
        assert call(opened, "/openai/v1/chat/completions", ask, over_socket=True).status == 200
        assert call(opened, "/openai/v1/chat/completions", asking("openai-chat")).status == 403
        secrets.write_text("model=sk-second\n")
        assert call(opened, "/openai/v1/chat/completions", ask).status == 200
        first, second = (came.headers["authorization"] for came in provider.came)
        assert (first, second) == ("Bearer sk-first", "Bearer sk-second")
        provider.reply = lambda _: Reply(hang=True)
        assert call(opened, "/openai/v1/chat/completions", ask).status == 504
        secrets.unlink()
        assert call(opened, "/openai/v1/chat/completions", ask).status == 401
        metered = gateway.close(opened.token)
        entry: Entry = booked[0]
        assert metered.failure == "auth"
        assert entry.cost_usd > 0
    finally:
        gateway.stop()
        provider.stop()
        shutil.rmtree((home.root / "sockets.path").read_text().strip())
