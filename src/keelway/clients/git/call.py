"""Call the git program so that no configuration, hook or attribute of others takes part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from keelway.clients.shell import Command, Done, base_env, run
from keelway.core.errors import TheirFault

IDENTITY_NAME, IDENTITY_EMAIL = "Keelway", "keelway@localhost"

_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    "core.excludesFile=/dev/null",
    "core.logAllRefUpdates=false",
    "core.autocrlf=false",
    "core.eol=lf",
    "core.safecrlf=false",
    "core.symlinks=true",
    "core.fileMode=true",
    "core.protectHFS=true",
    "core.protectNTFS=true",
    "core.quotePath=false",
    "core.precomposeUnicode=false",
    "core.ignoreCase=false",
    "core.untrackedCache=false",
    "core.splitIndex=false",
    "core.sparseCheckout=false",
    "core.filesRefLockTimeout=5000",
    "core.packedRefsTimeout=5000",
    "protocol.allow=never",
    "protocol.file.allow=always",
    "transfer.fsckObjects=true",
    "fetch.fsckObjects=true",
    "receive.fsckObjects=true",
    "submodule.recurse=false",
    "fetch.recurseSubmodules=false",
    "gc.auto=0",
    "gc.pruneExpire=never",
    "maintenance.auto=false",
    "commit.gpgSign=false",
    "tag.gpgSign=false",
    "diff.renames=false",
    "diff.noprefix=false",
    "diff.mnemonicPrefix=false",
    "merge.renames=true",
    "i18n.commitEncoding=UTF-8",
    "i18n.logOutputEncoding=UTF-8",
    "safe.directory=*",
    "init.templateDir=",
)


@dataclass(frozen=True)
class GitCall:
    """Run single git commands on one git directory that belongs to us."""

    git_dir: str
    timeout_seconds: float = 120.0
    output_bytes_max: int = 64 * 1024 * 1024
    durable: bool = True
    """Survive a power cut; without, writing many files is about ten times as fast."""

    def call(
        self,
        *args: str,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        accept: Iterable[int] = (0,),
        may_truncate: bool = False,
    ) -> Done:
        """Run one git command.

        Raises:
            TheirFault: git is missing, timed out, said too much or ended with another code
                than those in ``accept``.
        """
        fsync = f"core.fsync={'committed' if self.durable else 'none'}"
        done = run(
            Command(
                argv=("git", *(word for setting in (*_SETTINGS, fsync) for word in ("-c", setting)), *args),
                cwd="/",
                env={**self._env(), **(env or {})},
                timeout_seconds=self.timeout_seconds,
                output_bytes_max=self.output_bytes_max,
                stdin=stdin,
            )
        )
        if done.could_not_start:
            raise TheirFault(
                "git_missing", f"git did not start: {done.could_not_start}.", "install git >= 2.38"
            )
        if done.timed_out:
            raise TheirFault("git_timeout", f"git {args[0]} took longer than {self.timeout_seconds:g} s.")
        if done.truncated and not may_truncate:
            raise TheirFault(
                "git_output_too_large", f"git {args[0]} said more than {self.output_bytes_max} bytes."
            )
        if done.exit_code not in tuple(accept):
            raise TheirFault("git_failed", f"git {args[0]} ended with {done.exit_code}: {_complaint(done)}")
        return done

    def text(
        self,
        *args: str,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        accept: Iterable[int] = (0,),
    ) -> str:
        """Run one git command and return what it said, without the last newline."""
        return (
            self.call(*args, stdin=stdin, env=env, accept=accept)
            .stdout.decode("utf-8", "replace")
            .strip("\n")
        )

    def _env(self) -> dict[str, str]:
        return {
            "PATH": base_env("/nonexistent")["PATH"],
            "LANG": "C.UTF-8",
            "LC_ALL": "C.UTF-8",
            "HOME": "/nonexistent",
            "GIT_DIR": self.git_dir,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_SYSTEM": "/dev/null",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_LITERAL_PATHSPECS": "1",
            "GIT_ALLOW_PROTOCOL": "file",
            "GIT_PAGER": "cat",
            "GIT_AUTHOR_NAME": IDENTITY_NAME,
            "GIT_AUTHOR_EMAIL": IDENTITY_EMAIL,
            "GIT_COMMITTER_NAME": IDENTITY_NAME,
            "GIT_COMMITTER_EMAIL": IDENTITY_EMAIL,
        }


def _complaint(done: Done) -> str:
    said = (done.stderr or done.stdout).decode("utf-8", "replace").strip()
    return said[-2_000:] or "it said nothing."
