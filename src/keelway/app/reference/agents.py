"""Write the page of the agents from their profiles and from what the tests saw of them."""

from __future__ import annotations

from keelway.app.agents.profile import Profile, load_profile, profile_names
from keelway.app.agents.proven import CASES, Proven, proven

_INTRO = """# Agents

The agents that Keelway knows, from `src/keelway/app/agents/profiles/`. How to use one: [Bring your agent](../how-to/use-your-agent.md);
how to describe another one: [agent profile](agent-profile.md).

## Known

| agent | name | kind | speaks | program | version | licence |
|---|---|---|---|---|---|---|"""

_RUN = """
## Really run

What `make agents` saw: the real program, in the real sandbox, through the real gateway, with a scripted model at the end. The scripts play fixed tool calls:
this proves wiring, bounds and ends, not how well a model writes code. An agent that is not in this table was not run by our tests.
"""

_SEEN = ("yes", "-")


def page(_present: str) -> str:
    """Return the page."""
    profiles = [load_profile(name) for name in profile_names()]
    seen = proven()
    run = [profile for profile in profiles if profile.name in seen]
    lines = [_INTRO, *map(_known, profiles), _RUN, *_table(run, seen), "", "## Quirks", ""]
    lines += [
        f"- **{profile.title}** (`{profile.name}`): {' '.join(profile.quirks)}"
        for profile in profiles
        if profile.quirks
    ]
    return "\n".join([*lines, ""])


def _known(profile: Profile) -> str:
    install = profile.install
    package = f"npm `{install.npm}`" if install.npm else f"PyPI `{install.pypi}`" if install.pypi else "-"
    title = f"[{profile.title}]({profile.homepage})" if profile.homepage else profile.title
    speaks = ", ".join(f"`{api}`" for api in profile.apis) or "its own way"
    return f"| {title} | `{profile.name}` | {profile.kind} | {speaks} | {package} | {install.version} | {profile.licence} |"


def _table(run: list[Profile], seen: dict[str, Proven]) -> list[str]:
    lines = [f"| agent | version | sandbox | {' | '.join(CASES)} |", f"|---|---|---|{'---|' * len(CASES)}"]
    for profile in run:
        what = seen[profile.name]
        marks = " | ".join(_SEEN[case not in what.cases] for case in CASES)
        lines.append(f"| `{profile.name}` | {what.version} | {what.cage} | {marks} |")
    return [*lines, "", *(f"- **{case}**: {said}" for case, said in CASES.items())]
