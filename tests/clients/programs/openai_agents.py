"""Asks through the agents of `openai-agents`; prints what they got, one JSON object for each task.

Runs in the client's own environment: `python openai_agents.py BASE_URL KEY` with the tasks
as a JSON list on standard input (see `agents.Task`).
"""

import asyncio
import json
import sys

import openai
from agents import (
    Agent,
    AgentsException,
    ModelSettings,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    RunConfig,
    Runner,
    function_tool,
)
from pydantic import BaseModel

KINDS = {"chat": OpenAIChatCompletionsModel, "responses": OpenAIResponsesModel}


class Tower(BaseModel):
    tower: str


def tool(name, heard):
    def seen(tower: str) -> str:
        heard.append([name, tower])
        return f"seen by {name}"

    return function_tool(seen, name_override=name)


def question_of(task):
    if not task.get("image"):
        return task["question"]
    picture = f"data:image/png;base64,{task['image']}"
    content = [
        {"type": "input_text", "text": task["question"]},
        {"type": "input_image", "image_url": picture, "detail": "auto"},
    ]
    return [{"role": "user", "content": content}]


def thoughts_of(answers):
    items = [item for answer in answers for item in answer.output if item.type == "reasoning"]
    return ["".join(part.text for part in item.summary) for item in items]


async def ask(model, task):
    heard = []
    agent = Agent(
        name="test",
        instructions=task.get("system"),
        model=model,
        tools=[tool(name, heard) for name in task.get("tools", ())],
        output_type=Tower if task.get("structured") else None,
        model_settings=ModelSettings(max_tokens=task.get("limit", 4096), include_usage=True),
    )
    config = RunConfig(tracing_disabled=True)
    got = {"text": "", "calls": heard}
    try:
        if task["stream"]:
            result = Runner.run_streamed(agent, question_of(task), run_config=config)
            async for event in result.stream_events():
                said = event.type == "raw_response_event" and event.data
                if said and said.type == "response.output_text.delta":
                    got["text"] += said.delta
        else:
            result = await Runner.run(agent, question_of(task), run_config=config)
            output = result.final_output
            got["text"] = output.model_dump_json() if isinstance(output, Tower) else output
    except (openai.APIError, AgentsException) as error:
        return {**got, "error": type(error).__name__, "message": str(error)}
    usage = result.context_wrapper.usage
    return {
        **got,
        "reasoning": thoughts_of(result.raw_responses),
        "usage": [usage.input_tokens, usage.output_tokens],
    }


async def main():
    base_url, key = sys.argv[1:]
    client = openai.AsyncOpenAI(base_url=f"{base_url}/v1", api_key=key, max_retries=0)
    for task in json.load(sys.stdin):
        model = KINDS[task["dialect"]](model=task["model"], openai_client=client)
        print(json.dumps(await ask(model, task)))


asyncio.run(main())
