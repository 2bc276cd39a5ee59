"""Asks through `pydantic-ai` agents; prints what they got, one JSON object for each task.

Runs in the client's own environment: `python pydantic_ai_agent.py BASE_URL KEY` with the tasks
as a JSON list on standard input (see `agents.Task`).
"""

import asyncio
import base64
import json
import sys

from anthropic import AsyncAnthropic
from openai import AsyncOpenAI
from pydantic import BaseModel
from pydantic_ai import Agent, BinaryContent, NativeOutput
from pydantic_ai.exceptions import ModelAPIError
from pydantic_ai.messages import ModelResponse, ThinkingPart
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.settings import ModelSettings


class Tower(BaseModel):
    tower: str


def models(base_url, key, dialect):
    if dialect == "messages":
        client = AsyncAnthropic(base_url=base_url, api_key=key, max_retries=0)
        return lambda name: AnthropicModel(
            name, provider=AnthropicProvider(anthropic_client=client)
        )
    client = AsyncOpenAI(base_url=f"{base_url}/v1", api_key=key, max_retries=0)
    provider = OpenAIProvider(openai_client=client)
    kind = OpenAIChatModel if dialect == "chat" else OpenAIResponsesModel
    return lambda name: kind(name, provider=provider)


def agent_of(model, task, heard):
    shape = {"output_type": NativeOutput(Tower)} if task.get("structured") else {}
    agent = Agent(model, system_prompt=task.get("system") or (), **shape)
    for name in task.get("tools", ()):
        agent.tool_plain(name=name)(tool(name, heard))
    return agent


def tool(name, heard):
    def seen(tower: str) -> str:
        heard.append([name, tower])
        return f"seen by {name}"

    return seen


async def ask(model, task):
    heard = []
    agent = agent_of(model, task, heard)
    settings = ModelSettings(max_tokens=task.get("limit", 4096))
    question = task["question"]
    if task.get("image"):
        picture = BinaryContent(base64.b64decode(task["image"]), media_type="image/png")
        question = [question, picture]
    got = {"text": "", "finish": None, "calls": heard}
    try:
        if task["stream"]:
            async with agent.run_stream(question, model_settings=settings) as result:
                async for text in result.stream_text(delta=True):
                    got["text"] += text
        else:
            result = await agent.run(question, model_settings=settings)
            output = result.output
            got["text"] = output.model_dump_json() if isinstance(output, Tower) else output
    except ModelAPIError as error:
        return {**got, "error": type(error).__name__, "message": str(error)}
    usage = result.usage
    usage = usage() if callable(usage) else usage
    answers = [m for m in result.all_messages() if isinstance(m, ModelResponse)]
    thoughts = [p.content for m in answers for p in m.parts if isinstance(p, ThinkingPart)]
    return {
        **got,
        "reasoning": thoughts,
        "finish": answers[-1].finish_reason,
        "usage": [usage.input_tokens, usage.output_tokens],
    }


async def main():
    base_url, key = sys.argv[1:]
    of = {dialect: models(base_url, key, dialect) for dialect in ("chat", "responses", "messages")}
    for task in json.load(sys.stdin):
        print(json.dumps(await ask(of[task["dialect"]](task["model"]), task)))


asyncio.run(main())
