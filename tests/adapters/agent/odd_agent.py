"""An agent as launchers and newer protocol versions make them: banners, unknown words, other shapes."""

import json
import sys


def send(**message):
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


def update(word, **fields):
    send(method="session/update", params={"sessionId": "s", "update": {"sessionUpdate": word, **fields}})


def hear():
    return json.loads(sys.stdin.readline())


print("npm warn using --force", flush=True)
print(flush=True)
call = hear()
capabilities = call["params"]["clientCapabilities"]
assert capabilities == {"fs": {"readTextFile": False, "writeTextFile": False}, "terminal": False}
send(id=call["id"], result={"protocolVersion": 1, "agentInfo": {"name": "odd"}, "novelty": [1, {}]})
call = hear()
send(id=call["id"], result={"sessionId": "s", "modes": "strange", "configOptions": 5})
call = hear()
update("plan_of_the_future", entries=None)
update("agent_message_chunk", content="not an object")
update("usage_update", used="many", cost={"amount": "x", "currency": "EUR"})
send(method="session/update", params=[1])
send(method="_vendor/notice", params={"x": 1})
send(id=999, result="an answer to nothing")
update("tool_call", toolCallId="t1", title="Edit", kind="edit", locations=[{"path": "/etc/passwd"}, 3, None])
send(
    id="perm-1",
    method="session/request_permission",
    params={
        "sessionId": "s",
        "toolCall": {"toolCallId": "t1"},
        "options": [{"optionId": "a", "kind": "allow_once"}, {"optionId": "r", "kind": "reject_once"}],
    },
)
assert hear()["result"] == {"outcome": {"outcome": "selected", "optionId": "r"}}
send(id="fs-1", method="fs/write_text_file", params={"path": "/etc/passwd", "content": "x"})
refused = hear()["error"]["code"]
update("agent_message_chunk", content={"type": "text", "text": f"refused with {refused}"})
meta = {"quota": {"token_count": {"input_tokens": 6300, "output_tokens": 250}}}
send(id=call["id"], result={"stopReason": "end_turn", "_meta": meta, "usage": None})
sys.stdin.read()
sys.exit(190)
