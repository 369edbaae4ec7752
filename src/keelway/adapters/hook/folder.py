"""Executables in a folder of a protected commit, which no patch can have altered."""

from __future__ import annotations

import tempfile
import uuid
from pathlib import Path

from keelway.clients.git import Git
from keelway.clients.secret_file import resolve
from keelway.clients.shell import MARKER, Command, Done, base_env, run
from keelway.core.errors import KeelwayError, TheirFault
from keelway.core.target.hook import HookSpec
from keelway.ports.hook import HookCall, HookDone, Hooks
from keelway.ports.vault import Vault

_EXECUTABLE, _PLAIN = "100755", "100644"
_FILES_MAX, _FILE_BYTES_MAX = 200, 4 * 1024 * 1024
_OUTPUT_BYTES_MAX = 200_000
_SHOWN_CHARS = 2_000


class FolderHooks:
    """Run what lies in the hooks folder of a commit, with the files beside it, in a private copy."""

    def __init__(self, spec: HookSpec, repository: str, home: str, vault: Vault) -> None:
        self._spec, self._git, self._vault = spec, Git(repository), vault
        self._home = Path(home).resolve()

    def run(self, call: HookCall) -> HookDone:
        """Run one to its end or its limit; everything it started ends with it."""
        folder = self._spec.folder.rstrip("/")
        if not folder:
            return HookDone(found=False)
        try:
            entry = self._git.entry(call.commit, f"{folder}/{call.name}")
            if entry is None:
                return HookDone(found=False)
            if entry.mode != _EXECUTABLE:
                cure = f"git update-index --chmod=+x {folder}/{call.name}"
                return HookDone(found=True, wrong=f"{call.name} is not an executable file. Next: {cure}")
            self._home.mkdir(parents=True, exist_ok=True, mode=0o700)
            with tempfile.TemporaryDirectory(prefix="hooks-", dir=self._home) as place:
                self._copy(call.commit, folder, Path(place))
                done = run(self._command(call, Path(place)))
        except KeelwayError as error:
            return HookDone(found=True, wrong=f"{call.name} could not be run: {error.message}")
        except OSError as error:
            return HookDone(found=True, wrong=f"{call.name} could not be run: {error.strerror or error}")
        return HookDone(found=True, wrong=self._wrong(call, done), seconds=done.seconds)

    def _copy(self, commit: str, folder: str, place: Path) -> None:
        """Write the files of the folder; links and submodules are left out."""
        entries = [
            entry
            for entry in self._git.ls_tree(commit)
            if entry.path.startswith(f"{folder}/") and entry.mode in {_EXECUTABLE, _PLAIN}
        ]
        if len(entries) > _FILES_MAX:
            raise TheirFault("too_many_files", f"{folder} has more than {_FILES_MAX} files.")
        for entry in entries:
            path = place / entry.path.removeprefix(f"{folder}/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self._git.read(commit, entry.path, _FILE_BYTES_MAX) or b"")
            path.chmod(0o700 if entry.mode == _EXECUTABLE else 0o600)

    def _command(self, call: HookCall, place: Path) -> Command:
        env = {
            **base_env(str(place)),
            **self._spec.env,
            **{name: resolve(self._vault.reference(key)) for name, key in self._spec.secrets.items()},
            **call.facts,
            "KEELWAY_HOOK": call.name,
            MARKER: f"hook-{uuid.uuid4().hex}",
        }
        return Command((str(place / call.name),), str(place), env, call.seconds_max, _OUTPUT_BYTES_MAX)

    def _wrong(self, call: HookCall, done: Done) -> str:
        if done.passed:
            return ""
        why = f"ended with {done.exit_code}"
        if done.could_not_start:
            why = f"could not start ({done.could_not_start})"
        elif done.timed_out:
            why = f"took longer than {call.seconds_max:g} s and was ended"
        said = (done.stdout + done.stderr).decode("utf-8", "replace").strip()[-_SHOWN_CHARS:]
        return f"{call.name} {why}. Last lines: {self._vault.redact(said) or 'none'}"


_check: type[Hooks] = FolderHooks
ADAPTER = FolderHooks
