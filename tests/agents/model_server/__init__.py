"""Play fixed scripts of model turns to real coding agents, in the four dialects they speak.

Nothing here thinks: a script says what each turn says and does, the server says it in the dialect of the
request and with the tools that the calling agent offers. Which turn is next is read from the request alone, so
any number of conversations may go on at once. It listens on loopback and takes one key only, so a test that
gets an answer through the gateway has proved that the gateway put the real key in the token's place.
"""

from tests.agents.model_server.plays import CALC_FILES, calc_play, calc_workspace
from tests.agents.model_server.script import (
    Answer,
    Call,
    Edit,
    Finish,
    Plan,
    Read,
    Run,
    Script,
    Trouble,
    Turn,
    Usage,
    Write,
    cut,
    hang,
    refuse,
)
from tests.agents.model_server.server import ModelServer, Seen

__all__ = [
    "CALC_FILES",
    "Answer",
    "Call",
    "Edit",
    "Finish",
    "ModelServer",
    "Plan",
    "Read",
    "Run",
    "Script",
    "Seen",
    "Trouble",
    "Turn",
    "Usage",
    "Write",
    "calc_play",
    "calc_workspace",
    "cut",
    "hang",
    "refuse",
]
