"""Read and check what a process should be; pure, so every rule can be shown in a table."""

from __future__ import annotations

import hashlib
import json
import re
from http import HTTPStatus
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from keelway.programs.supervisor.refusal import Refusal

MARKER_NAME = "KEELWAY_PROCESS"
ID_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")
REFERENCE_PATTERN = re.compile(r"file:(?P<path>/[^#\0]+)(?:#(?P<key>[A-Za-z_][A-Za-z0-9_]*))?\Z")
PROBLEMS_SHOWN_MAX = 5

Text = Annotated[str, StringConstraints(max_length=32_768, pattern=r"^[^\x00]*$")]
Name = Annotated[str, StringConstraints(max_length=256, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
AbsolutePath = Annotated[str, StringConstraints(max_length=4096, pattern=r"^/[^\x00]*$")]
Reference = Annotated[
    str, StringConstraints(max_length=4096, pattern=r"^file:/[^#\x00]+(#[A-Za-z_][A-Za-z0-9_]*)?$")
]
Label = Annotated[str, StringConstraints(max_length=256)]


class Spec(BaseModel):
    """Describe one process: what runs, with which environment, and what happens when it ends."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    argv: Annotated[tuple[Text, ...], Field(min_length=1, max_length=256)]
    cwd: AbsolutePath
    log_path: AbsolutePath
    epoch: Annotated[int, Field(ge=0, le=2**53)]
    env: Annotated[dict[Name, Text], Field(max_length=256)] = {}
    secrets: Annotated[dict[Name, Reference], Field(max_length=64)] = {}
    restart: Literal["always", "never"] = "always"
    restarts_max: Annotated[int, Field(ge=0, le=1000)] = 5
    restart_window_seconds: Annotated[float, Field(gt=0, le=86_400)] = 60.0
    stop_seconds: Annotated[float, Field(ge=0, le=3600)] = 10.0
    labels: Annotated[dict[Label, Label], Field(max_length=32)] = {}

    @model_validator(mode="after")
    def _names_are_given_once(self) -> Self:
        if not self.argv[0]:
            raise ValueError("argv[0] names no program")
        twice = sorted(self.env.keys() & self.secrets.keys())
        if twice:
            raise ValueError(f"{twice[0]} is given in env and in secrets; keep one of them")
        if MARKER_NAME in self.env or MARKER_NAME in self.secrets:
            raise ValueError(f"{MARKER_NAME} is set by the supervisor; remove it from env and secrets")
        return self

    @property
    def environment(self) -> str:
        """Name the environment whose epoch fences this process; no label is an environment of its own."""
        return self.labels.get("environment", "")


def parse_spec(body: bytes) -> Spec:
    """Read a spec from a request body.

    Raises:
        Refusal: 400 that names the fields; values are never repeated, they may be secrets.
    """
    try:
        return Spec.model_validate_json(body)
    except ValidationError as error:
        raise Refusal(
            HTTPStatus.BAD_REQUEST,
            "bad_spec",
            f"The process description is not valid: {problems(error)}.",
            "correct the named fields and send it again",
        ) from None


def problems(error: ValidationError) -> str:
    """Name the wrong fields and what is wrong with them, without any value that was sent."""
    found = error.errors(include_input=False, include_context=False, include_url=False)
    said = [f"{'.'.join(map(str, one['loc'])) or 'body'}: {one['msg']}" for one in found[:PROBLEMS_SHOWN_MAX]]
    more = len(found) - len(said)
    return "; ".join(said) + (f"; and {more} more" if more else "")


def digest(spec: Spec) -> str:
    """Give the SHA-256 of what runs, in hexadecimal.

    The epoch is left out: it says who asks, not what runs, and a control plane that restarted asks
    for the same process with a higher one.
    """
    plain = spec.model_dump(mode="json", exclude={"epoch"})
    return hashlib.sha256(json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def check_id(process_id: str) -> str:
    """Give the id back when it is well formed.

    Raises:
        Refusal: 400 when it is empty, too long or has other characters.
    """
    if not ID_PATTERN.match(process_id):
        raise Refusal(
            HTTPStatus.BAD_REQUEST,
            "bad_id",
            "A process id has 1 to 100 letters, digits, dots, underscores or dashes and starts with a letter or digit.",
            "choose another id",
        )
    return process_id


def split_reference(reference: str) -> tuple[str, str | None]:
    """Split a checked ``file:/path#KEY`` into its path and its key; no key means the whole file."""
    found = REFERENCE_PATTERN.match(reference)
    if found is None:
        raise Refusal(
            HTTPStatus.BAD_REQUEST,
            "bad_secret_reference",
            "A secret reference reads file:/absolute/path or file:/absolute/path#KEY.",
            "correct the reference",
        )
    return found["path"], found["key"]
