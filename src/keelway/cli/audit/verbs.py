"""Show, verify, export and prove what happened."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from keelway.app.desk import Place, Reader
from keelway.cli import shared
from keelway.cli.shared import Json, out
from keelway.core.errors import YourFault

if TYPE_CHECKING:
    from keelway.app.view.system import AuditReport

group = typer.Typer()

EXPORT_PAGE, EXPORT_EVENTS_MAX = 1_000, 10_000_000


@group.command("audit")
def audit(
    ctx: typer.Context,
    *,
    verify: Annotated[
        bool, typer.Option("--verify", help="Walk the whole chain; 1 when it is broken.")
    ] = False,
    task: Annotated[str, typer.Option("--task", help="Only this task.")] = "",
    after: Annotated[int, typer.Option(min=0, help="Only events after this number.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="How many at most.")] = 200,
    export: Annotated[
        Path | None, typer.Option("--export", help="Write every event as JSON lines to a new file.")
    ] = None,
    attest: Annotated[
        Path | None,
        typer.Option("--attest", help="Write signed in-toto statements about --task to a new file."),
    ] = None,
    check: Annotated[
        Path | None, typer.Option("--check", help="Check a file of signed statements; 1 when one is bad.")
    ] = None,
    key: Annotated[
        Path | None, typer.Option("--key", help="Public key that you kept; the one in the home, if none.")
    ] = None,
    heads: Annotated[
        Path | None, typer.Option("--heads", help="With --verify: signed heads that you kept elsewhere.")
    ] = None,
    head: Annotated[bool, typer.Option("--head", help="Print the newest signed head, to be kept.")] = False,
    public_key: Annotated[
        bool, typer.Option("--public-key", help="Print the public key, to be kept.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show, verify, export or prove the record of everything that happened."""
    from keelway.cli.show.task import event_lines

    if check is not None:
        _check(ctx, check, key, as_json)
    if head or public_key:
        _print_kept(shared.place_of(ctx), "audit.pub" if public_key else "audit.signed")
        return
    if verify and (key is not None or heads is not None):
        _verify_kept(ctx, key, heads, as_json)
    who = shared.ask(ctx)
    name = shared.named(who, task)
    if verify:
        _end(who.verify_audit(), as_json)
    elif export is not None:
        _write(export, _events(who, name), "event(s)", as_json)
    elif attest is not None:
        _write(attest, _statements(who, name), "signed statement(s)", as_json)
    else:
        out(who.timeline(after=after, task=name, limit=limit), as_json, event_lines)


def _end(report: AuditReport, as_json: bool) -> NoReturn:
    from keelway.cli.show.system import audit_report

    out(report, as_json, audit_report)
    raise typer.Exit(0 if report.ok else 1)


def _verify_kept(ctx: typer.Context, key: Path | None, heads: Path | None, as_json: bool) -> NoReturn:
    from keelway.app.audit.check import verify_kept

    _end(verify_kept(shared.place_of(ctx).home, key, heads), as_json)


def _check(ctx: typer.Context, path: Path, key: Path | None, as_json: bool) -> NoReturn:
    """Check statements; only without ``--key`` a project is needed."""
    from keelway.app.audit.check import check_file, public_key
    from keelway.cli.show.text import say

    pem = public_key(key if key is not None else shared.place_of(ctx).home.root / "audit.pub")
    found = check_file(path, pem)
    good = bool(found) and all(each.ok for each in found)

    def lines(_: object) -> None:
        for each in found:
            word = "good" if each.ok else "BAD"
            say(f"{each.number} {word}: {each.sentence}", style="" if each.ok else "bold red")
        count = sum(each.ok for each in found)
        say(f"{count} of {len(found)} signed statement(s) are good." if found else "There is no statement.")

    out(found, as_json, lines)
    raise typer.Exit(0 if good else 1)


def _print_kept(place: Place, name: str) -> None:
    from keelway.cli.show.text import say

    try:
        text = (place.home.root / name).read_text(encoding="utf-8")
    except OSError as error:
        raise YourFault("never_signed", f"Nothing was signed here yet ({name}).", "keelway up") from error
    say(text.strip() if name == "audit.pub" else text.strip().splitlines()[-1])


def _events(who: Reader, task: str) -> Iterable[object]:
    count, after = 0, 0
    while count < EXPORT_EVENTS_MAX and (page := who.timeline(after=after, task=task, limit=EXPORT_PAGE)):
        yield from page
        count, after = count + len(page), page[-1].sequence


def _statements(who: Reader, task: str) -> Iterable[object]:
    if not task:
        raise YourFault("no_task", "Name the task whose gates are attested.", "keelway audit --task T-1")
    yield from who.attestations(task)


def _write(path: Path, rows: Iterable[object], noun: str, as_json: bool) -> None:
    """Write one JSON document a line to a file that is not there yet."""
    from keelway.cli.show.text import say
    from keelway.core.codec import to_json

    count, rows = 0, iter(rows)
    first = next(rows, None)  # what cannot be asked for leaves no file behind
    try:
        with path.open("x", encoding="utf-8") as stream:
            while first is not None:
                stream.write(json.dumps(to_json(first), ensure_ascii=False) + "\n")
                count, first = count + 1, next(rows, None)
    except OSError as error:
        raise YourFault(
            "export_failed", f"{path} cannot be written: {error.strerror}.", "name a new file"
        ) from error
    out({"count": count, "file": str(path)}, as_json, lambda _: say(f"{count} {noun} are in {path}."))
