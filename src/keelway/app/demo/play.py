"""Play the demo from the first process to the last, and leave nothing behind that it started."""

from __future__ import annotations

import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from threading import Thread
from typing import Any

from keelway.app.demo import ground as grounds
from keelway.app.demo import traffic as users
from keelway.app.demo.acts import ACTS, INTRO_A, Act
from keelway.app.demo.ground import Ground
from keelway.app.demo.plane import Plane
from keelway.app.demo.proof import Proof
from keelway.app.demo.row import Row
from keelway.app.demo.scene import Scene
from keelway.app.demo.screen import Screen
from keelway.app.demo.traffic import Traffic
from keelway.app.view.fault import three_lines
from keelway.clients.files import remove_tree
from keelway.clients.shell import Command, base_env, run
from keelway.core.errors import KeelwayError, YourFault
from keelway.core.words.text import duration

RATE = 32.0
WARM_SECONDS_MAX = 180.0
SETTLE_SECONDS = 1.0
WAIT_SECONDS = 0.5


@dataclass(frozen=True)
class Wish:
    """State what is wanted of a demo."""

    act: str = ""
    """Letter of the only act to play; empty for all."""
    leave: bool = False
    """Leave when the acts are over, instead of letting everything run."""
    keep: bool = False
    """Keep the folder."""
    machine: bool = False
    """Standard output is for a machine."""


@dataclass
class Result:
    """State how a demo went."""

    rows: list[Row] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Tell whether every act was played and every claim held."""
        return bool(self.rows) and all(row.ok for row in self.rows)


def play(wish: Wish) -> Result:
    """Play the wanted acts.

    Raises:
        YourFault: there is no such act, a demo runs already, or something is missing.
        KeyboardInterrupt: a person ended it; everything that it started has ended.
    """
    chosen = [act for act in ACTS if wish.act in {"", act.letter}]
    if not chosen and wish.act != "a":
        letters = ", ".join(["a", *(act.letter for act in ACTS)])
        raise YourFault("unknown_act", f"There is no act {wish.act!r}.", f"use one of: {letters}")
    ground = grounds.find_ground()
    with grounds.claim(ground), Screen.open(beside=wish.machine) as screen:
        users.end_earlier(ground.load)
        grounds.clear(ground)
        scene = Scene(ground, screen, Plane(ground), Traffic(ground, RATE), whole=not wish.act)
        result, keep = Result(), wish.keep
        try:
            _play(scene, chosen, result, leave=wish.leave)
            if not wish.leave:
                _stay(scene)
        except KeelwayError:
            keep = True
            raise
        finally:
            _strike(scene, keep=keep or any(not row.ok for row in result.rows))
        return result


def _play(scene: Scene, chosen: list[Act], result: Result, *, leave: bool) -> None:
    began = time.monotonic()
    result.rows.append(_open(scene))
    for act in chosen:
        scene.screen.title(act.letter, act.intro)
        proof = Proof(scene, act.letter, _since(result))
        try:
            row = act.play(scene, proof)
        except KeelwayError as error:
            proof.wrong.append(three_lines(error))
            row = proof.row("not played to its end")
        result.rows.append(row)
        scene.screen.event(act.letter, row.happened, "bold green" if row.ok else "bold red")
        if not row.ok:
            break
    if leave:
        _settle(scene, result)
    result.seconds = time.monotonic() - began
    scene.screen.table(result.rows)
    scene.screen.say(f"{duration(result.seconds)} for everything.")


def _settle(scene: Scene, result: Result) -> None:
    """Let the users leave, and count once more when no request is on its way."""
    scene.traffic.stop()
    lost = scene.traffic.rows_lost()
    if lost:
        last = result.rows[-1]
        wrong = (*last.wrong, f"{lost} accepted arrivals are missing in the end")
        result.rows[-1] = replace(last, rows_lost=lost, wrong=wrong)


def _since(result: Result) -> float:
    """Return the instant from which requests belong to the next act: each request belongs to one act only."""
    return max(row.until for row in result.rows if row.served is not None)


def _open(scene: Scene) -> Row:
    """Play a: bring Harbor up, with traffic that never stops until the end."""
    screen, ground = scene.screen, scene.ground
    screen.title("a", INTRO_A)
    shortened = grounds.lay(ground)
    screen.say(
        "Real git, processes, HTTP traffic and SQLite; the coding agent plays a recorded script.", "dim"
    )
    screen.say(f"Shortened for the demo, nothing else is: {_shortened(shortened)}.", "dim")
    warm = Thread(target=_warm, args=(ground,), name="demo-warm", daemon=True)
    warm.start()
    scene.plane.up(lambda said: screen.event("a", said) if said and "?key=" not in said else None)
    warm.join()
    config = ground.place.config.file
    proof = Proof(scene, "a", time.time())
    scene.traffic.start(f"http://127.0.0.1:{config.production.port}")
    screen.event("a", f"users: {RATE:g} requests a second against production, until the end")
    scene.rest(SETTLE_SECONDS)
    proof.no_failure()
    for name in ("staging", "production"):
        health = scene.plane.remote.health(name)
        proof.holds(health.ok, f"{name} is not healthy: {health.detail}")
        screen.event("a", f"{name} is healthy with {health.release} on {health.url}")
    return proof.row("staging and production run, traffic flows")


def _shortened(changes: dict[str, tuple[Any, Any]]) -> str:
    words = []
    for name, (normal, short) in changes.items():
        plain = name.removeprefix("policy.").removesuffix("_seconds").replace(".", " ").replace("_", " ")
        if isinstance(short, str):
            words.append(f"{plain}: {short} instead of {normal}")
        else:
            words.append(f"{plain} {short:g} s instead of {duration(float(normal))}")
    return ", ".join(words)


def _warm(ground: Ground) -> None:
    """Let the checks' download cache fill while the first releases are built; they would fill it themselves."""
    cache = ground.home / "checkouts" / "downloads" / "uv"
    env = {**ground.env(), **base_env(str(ground.folder)), "UV_CACHE_DIR": str(cache), "UV_LINK_MODE": "copy"}
    env = {
        name: value for name, value in env.items() if name not in {"UV_PROJECT_ENVIRONMENT", "VIRTUAL_ENV"}
    }
    run(Command(("uv", "sync", "--frozen", "--quiet"), str(ground.repository), env, WARM_SECONDS_MAX))


def _stay(scene: Scene) -> None:
    """Leave everything running for the person to look at."""
    screen, command = scene.screen, _command(scene.ground)
    port = scene.ground.place.config.file.production.port
    screen.rest()
    screen.say()
    screen.say(f"Status page (opens once): {_page(scene)}", "bold")
    screen.say(f"Harbor itself: http://127.0.0.1:{port}/docs")
    screen.say("Next, in another terminal:")
    task = next(iter(scene.acts), "@last")
    for words in ("status", f"explain {task}", "releases"):
        screen.say(f"  {command} {words}")
    screen.say("Ctrl-C ends everything.")
    while True:
        time.sleep(WAIT_SECONDS)


def _page(scene: Scene) -> str:
    link = scene.plane.remote.page_link()
    return link if link.startswith("http") else scene.plane.remote.server.url + link


def _command(ground: Ground) -> str:
    """Leave a short command that is about the demo's project, and return how to call it."""
    path = ground.folder / "keelway"
    words = " ".join(f'"{word}"' for word in ground.keelway())
    path.write_text(f'#!/bin/sh\nKEELWAY_HOME="{ground.home}" exec {words} "$@"\n')
    path.chmod(0o755)
    return f"{ground.folder.name}/keelway"


def _strike(scene: Scene, *, keep: bool) -> None:
    """End everything that was started; a second Ctrl-C does not stop that."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    screen, ground = scene.screen, scene.ground
    screen.rest()
    try:
        scene.traffic.stop()
        wrong = scene.plane.down()
        if wrong:
            screen.say(f"Not everything could be ended: {wrong}", "bold red")
        elif keep:
            screen.say(f"Everything has ended. Its records are in {ground.folder}.")
        else:
            screen.say("Everything has ended.")
            for path in [path for path in ground.folder.iterdir() if path.name != "demo.lock"]:
                with suppress(OSError):
                    remove_tree(path, ground.folder)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
