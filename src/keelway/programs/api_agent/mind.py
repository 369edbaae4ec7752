"""Let a model work with the tools until it is done: Pydantic AI, with what we know of the provider."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pydantic_ai import Agent, AgentRun, ModelRequestNode, Tool, UsageLimits
from pydantic_ai.exceptions import (
    ContentFilterError,
    IncompleteToolCall,
    ModelAPIError,
    ModelHTTPError,
    OutputTokenLimitExceeded,
    UnexpectedModelBehavior,
    UsageLimitExceeded,
)
from pydantic_ai.messages import (
    ModelMessage,
    PartDeltaEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
    ThinkingPart,
    ThinkingPartDelta,
)
from pydantic_ai.models import Model

from keelway.core.codec import canonical
from keelway.programs.api_agent.order import READERS, Order, role_of
from keelway.programs.api_agent.tools import Toolbox
from keelway.programs.api_agent.typed import ANSWERS, TOOL

RETRIES_MAX = 4
"""How often a call or an answer that does not fit is given back in a row."""

_UNAUTHORISED = frozenset({401, 403})
_INSTRUCTIONS = (
    "You are a coding agent. You work in a folder, the workspace, with the tools that you are offered and without "
    "a person to ask. Paths are relative to the workspace; nothing outside it can be reached, and there is no "
    "network. If there is a file AGENTS.md, read it before you change anything. Look before you act: read a file "
    "before you edit it. A tool that failed says why; do it another way. Stop calling tools when you are done."
)
_TYPED = f"Give your answer by the tool {TOOL} alone."


class NotAllowed(Exception):
    """Report that the provider refused the key."""


class Failing(Exception):
    """Report that the provider, or the model, failed."""


@dataclass
class Mind:
    """Think in one session; what was said before is remembered."""

    order: Order
    box: Toolbox
    history: list[ModelMessage] = field(default_factory=list)
    input_tokens: int = 0
    output_tokens: int = 0

    async def work(self, prompt: str) -> str:
        """Carry out one prompt and return the reason to stop with, in the words of the protocol.

        Raises:
            NotAllowed: the provider refused the key.
            Failing: the provider failed, or the model did not do what it has to.
        """
        agent = self._agent(role_of(prompt))
        limits = UsageLimits(
            request_limit=self.order.requests_max, tool_calls_limit=self.order.tool_calls_max
        )
        try:
            async with agent, agent.iter(prompt, message_history=self.history, usage_limits=limits) as run:
                try:
                    await self._follow(run)
                finally:
                    self._count(run)
        except UsageLimitExceeded as error:
            await self.box.voice.say(f"\n{error}\n")
            return "max_turn_requests"
        except (OutputTokenLimitExceeded, IncompleteToolCall):
            return "max_tokens"
        except ContentFilterError:
            return "refusal"
        except ModelHTTPError as error:
            known = NotAllowed if error.status_code in _UNAUTHORISED else Failing
            raise known(str(error)) from error
        except (ModelAPIError, UnexpectedModelBehavior) as error:
            raise Failing(f"{error} {error.__cause__ or ''}".strip()) from error
        return "end_turn"

    def _agent(self, role: str) -> Agent[object, Any]:
        answer = ANSWERS.get(role)
        # One after the other: what a call changes, the next one sees.
        tools = [Tool(tool, sequential=True) for tool in self.box.tools(writes=role not in READERS)]
        agent: Agent[object, Any] = Agent(
            model_of(self.order),
            output_type=answer.output_type if answer else str,
            instructions=f"{_INSTRUCTIONS} {_TYPED}" if answer else _INSTRUCTIONS,
            tools=tools,
            retries=RETRIES_MAX,
        )
        if answer:
            agent.output_validator(answer.checked)
        return agent

    async def _follow(self, run: AgentRun[object, Any]) -> None:
        async for node in run:
            if isinstance(node, ModelRequestNode):
                async with node.stream(run.ctx) as stream:
                    async for event in stream:
                        await self._tell(event)
                    await self.box.voice.used(stream.response.usage.total_tokens)
        self.history = run.all_messages()
        value = run.result.output if run.result else ""
        if not isinstance(value, str):
            await self.box.voice.say(f"\n{canonical(value)}\n")

    async def _tell(self, event: Any) -> None:
        voice = self.box.voice
        match event:
            case PartStartEvent(part=TextPart(content=text)):
                await voice.say(text)
            case PartDeltaEvent(delta=TextPartDelta(content_delta=text)):
                await voice.say(text)
            case PartStartEvent(part=ThinkingPart(content=text)):
                await voice.think(text)
            case PartDeltaEvent(delta=ThinkingPartDelta(content_delta=str(text))):
                await voice.think(text)
            case _:
                pass  # calls are announced when they are carried out

    def _count(self, run: AgentRun[object, Any]) -> None:
        used = run.usage
        self.input_tokens += used.input_tokens
        self.output_tokens += used.output_tokens


def model_of(order: Order) -> Model:
    """Return the model behind the gateway; the SDK of its provider is loaded only here."""
    match order.api:
        case "anthropic":
            from pydantic_ai.models.anthropic import AnthropicModel
            from pydantic_ai.providers.anthropic import AnthropicProvider

            return AnthropicModel(
                order.model,
                provider=AnthropicProvider(api_key=order.token, base_url=f"{order.url}/anthropic"),
            )
        case _:
            from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
            from pydantic_ai.providers.openai import OpenAIProvider

            kind = OpenAIChatModel if order.api == "openai-chat" else OpenAIResponsesModel
            return kind(
                order.model, provider=OpenAIProvider(api_key=order.token, base_url=f"{order.url}/openai/v1")
            )
