"""The attacks that a cage has to stand, what each cage is known not to stand, and what a trial of one proves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """Say what one attack has shown; a closed set."""

    BLOCKED = "blocked"
    """It works without a cage and did not work inside."""
    ESCAPED = "escaped"
    KNOWN_GAP = "known gap"
    """It got through, and is listed among what this cage does not hold."""
    UNTESTED = "not tested"
    """It does not work without a cage either, so that nothing is proven."""


@dataclass(frozen=True)
class Attack:
    """Name one attack."""

    name: str
    group: str
    title: str
    vital: bool = False
    """A trial that could not show that this one is blocked has failed."""


@dataclass(frozen=True)
class Tried:
    """Say what one attempt did to the host, as the host saw it."""

    reached: bool
    said: str = ""
    """How it was refused, in the words of the system."""
    skipped: bool = False
    """This machine lacks what the attack needs."""


@dataclass(frozen=True)
class Judged:
    """Say what one attack has shown about a cage."""

    attack: Attack
    outcome: Outcome
    note: str = ""


@dataclass(frozen=True)
class Trial:
    """Hold what the whole battery has shown about a cage."""

    cage: str
    passed: bool
    sentence: str
    rows: tuple[Judged, ...]

    def count(self, outcome: Outcome) -> int:
        """Count the attacks that ended so."""
        return sum(row.outcome is outcome for row in self.rows)


def _group(group: str, titles: Mapping[str, str], vital: frozenset[str]) -> tuple[Attack, ...]:
    return tuple(Attack(name, group, title, name in vital) for name, title in titles.items())


_NAMED_MAX = 5
_VITAL = frozenset(
    {"write_outside", "read_outside", "symlink_read", "symlink_write", "signal_host", "proc_environment"}
    | {"tcp_loopback", "environment", "left_open"}
)

ATTACKS = (
    *_group(
        "files",
        {
            "write_outside": "make a file outside the workspace",
            "change_outside": "change a file outside",
            "remove_outside": "remove a file outside",
            "read_outside": "read a file outside that the user of the run may read",
            "read_private": "read a file of Keelway's own user",
            "read_shadow": "read the passwords of the host",
            "symlink_read": "read outside through a symbolic link",
            "symlink_write": "write outside through a symbolic link",
            "hard_link": "pull a file in by a hard link",
            "alter_mode": "change the permissions of a file outside",
            "open_handle": "open a file by its number on the disk",
            "make_device": "make a device file",
            "read_disk": "read the raw disk",
            "mount_over": "mount a file system on the host",
        },
        _VITAL,
    ),
    *_group(
        "processes",
        {
            "signal_host": "signal a process of the host",
            "trace": "attach to a process of the host",
            "read_memory": "copy the memory of a process",
            "proc_memory": "read the memory of a process by its file",
            "proc_environment": "read the environment of a process",
            "proc_root": "walk into the file system of a process",
            "proc_file": "open a file that a process holds",
            "proc_list": "read the command lines of the host",
            "alter_limits": "alter the limits of a process",
            "enter_spaces": "enter the name space of a process",
            "outlive": "leave a process behind",
            "shared_memory": "attach shared memory of the host",
            "shared_file": "read a shared memory file of the host",
            "keyring": "read a key of the starter's keyring",
            "left_open": "read a file that the starter left open",
            "environment": "read the starter's environment",
            "set_user": "become root by a program that does so",
        },
        _VITAL,
    ),
    *_group(
        "network",
        {
            "tcp_loopback": "reach a service on the host's loopback",
            "tcp_loopback6": "the same by IPv6",
            "tcp_away": "connect to an address of the network",
            "tcp_allowed": "connect to a stranger at the port number of the model gateway",
            "tcp_multipath": "connect by multipath TCP",
            "tcp_fast_open": "connect by TCP Fast Open",
            "udp_loopback": "send a datagram, such as a name look-up, to loopback",
            "udp_away": "send a datagram to an address of the network",
            "unix_abstract": "reach an abstract socket of the host",
            "unix_file": "reach a socket file of the host",
            "sniff": "listen in on the host's network",
        },
        _VITAL,
    ),
    *_group(
        "kernel",
        {
            "core_pattern": "write what the kernel starts at a crash",
            "kernel_setting": "change a setting of the kernel",
            "system_request": "open the machine's restart trigger",
            "control_group": "make a control group",
            "user_space": "become root of an own user name space",
            "load_module": "load a kernel module",
            "async_calls": "set io_uring up",
            "kernel_program": "load a bpf map",
            "page_faults": "handle the kernel's page faults",
            "performance": "open performance counters",
        },
        _VITAL,
    ),
)

KNOWN_GAPS: Mapping[tuple[str, str], str] = {
    ("landlock", "alter_mode"): "Landlock does not hold permissions and times of files of the same user",
    ("landlock", "tcp_allowed"): "Landlock knows port numbers and no addresses",
    ("landlock", "proc_list"): "without a process name space the command lines of the host can be read",
    ("landlock", "outlive"): "without a process name space a process can hide from the end of its run",
}
"""Attacks that a cage does not stand, with the reason; each is said wherever the cage is shown."""


def judge_attack(attack: Attack, cage: str, fenced: Tried | None, control: Tried | None) -> Judged:
    """Compare what an attack did inside a cage with what it does without one."""
    if fenced is None:
        return Judged(attack, Outcome.UNTESTED, "it was not tried inside the cage")
    if fenced.reached:
        gap = KNOWN_GAPS.get((cage, attack.name), "")
        return Judged(attack, Outcome.KNOWN_GAP, gap) if gap else Judged(attack, Outcome.ESCAPED)
    if fenced.skipped:
        return Judged(attack, Outcome.UNTESTED, fenced.said)
    if control is None or not control.reached:
        why = f": {control.said}" if control else ""
        return Judged(attack, Outcome.UNTESTED, f"it does not work without a cage either{why}")
    return Judged(attack, Outcome.BLOCKED, fenced.said)


def judge_trial(
    cage: str, fenced: Mapping[str, Tried], control: Mapping[str, Tried], trouble: str = ""
) -> Trial:
    """Judge a cage by everything that was tried; what could not be shown is not taken for granted.

    Args:
        cage: the name of the cage.
        fenced: what each attack did inside, by its name.
        control: what each did without a cage.
        trouble: why the battery came to no end, when it did not.
    """
    rows = tuple(
        judge_attack(attack, cage, fenced.get(attack.name), control.get(attack.name)) for attack in ATTACKS
    )
    escaped = [row.attack.title for row in rows if row.outcome is Outcome.ESCAPED]
    unproven = [row.attack.title for row in rows if row.attack.vital and row.outcome is Outcome.UNTESTED]
    counted = [(outcome, sum(row.outcome is outcome for row in rows)) for outcome in Outcome]
    said = ", ".join(
        f"{number} {outcome.value}" for outcome, number in counted if number or outcome is Outcome.ESCAPED
    )
    sentence = f"{len(rows)} attacks on {cage}: {said}."
    if trouble:
        sentence += f" The battery came to no end: {trouble}."
    elif escaped:
        sentence += f" It does not hold: {_some(escaped)}."
    elif unproven:
        sentence += f" What matters most could not be shown: {_some(unproven)}."
    return Trial(cage, not (escaped or unproven or trouble), sentence, rows)


def _some(titles: list[str]) -> str:
    rest = len(titles) - _NAMED_MAX
    return "; ".join(titles[:_NAMED_MAX]) + (f"; and {rest} more" if rest > 0 else "")
