"""Asks with `litellm` in any dialect, with tools; prints one JSON object for each task.

Runs in the client's own environment: `python litellm_agent.py BASE_URL KEY` with the tasks
as a JSON list on standard input (see `agents.Task`).
"""

import asyncio
import json
import sys

import litellm

SCHEMA = {
    "type": "object",
    "properties": {"tower": {"type": "string"}},
    "required": ["tower"],
    "additionalProperties": False,
}


async def as_completion(asking, task, heard):
    """One answer by `acompletion`: chat, and what it makes of Messages."""
    content = task["question"]
    if task.get("image"):
        url = {"url": f"data:image/png;base64,{task['image']}"}
        content = [{"type": "text", "text": content}, {"type": "image_url", "image_url": url}]
    messages = [{"role": "user", "content": content}]
    if task.get("system"):
        messages.insert(0, {"role": "system", "content": task["system"]})
    asking = {**asking, "max_tokens": task.get("limit", 4096), "stream": task["stream"]}
    if task["stream"]:
        asking["stream_options"] = {"include_usage": True}
    if task.get("tools"):
        asking["tools"] = [
            {"type": "function", "function": {"name": name, "parameters": SCHEMA}}
            for name in task["tools"]
        ]
    if task.get("structured"):
        schema = {"name": "tower", "schema": SCHEMA, "strict": True}
        asking["response_format"] = {"type": "json_schema", "json_schema": schema}
    reasoning, used = [], [0, 0]
    while True:
        answer = await litellm.acompletion(messages=messages, **asking)
        if task["stream"]:
            chunks = [chunk async for chunk in answer]
            answer = litellm.stream_chunk_builder(chunks, messages=messages)
        (choice,) = answer.choices
        message = choice.message
        used = [used[0] + answer.usage.prompt_tokens, used[1] + answer.usage.completion_tokens]
        thought = getattr(message, "reasoning_content", None)
        reasoning += [thought] if thought else []
        if not message.tool_calls:
            return {
                "text": message.content,
                "finish": choice.finish_reason,
                "usage": used,
                "reasoning": reasoning,
            }
        messages.append(message.model_dump(exclude_none=True))
        for call in message.tool_calls:
            name = call.function.name
            heard.append([name, json.loads(call.function.arguments)["tower"]])
            result = {"role": "tool", "tool_call_id": call.id, "content": f"seen by {name}"}
            messages.append(result)


async def as_response(asking, task, heard):
    """One answer by `aresponses`."""
    content = [{"type": "input_text", "text": task["question"]}]
    if task.get("image"):
        url = f"data:image/png;base64,{task['image']}"
        content.append({"type": "input_image", "image_url": url, "detail": "auto"})
    items = [{"role": "user", "content": content}]
    asking = {**asking, "max_output_tokens": task.get("limit", 4096), "stream": task["stream"]}
    if task.get("system"):
        asking["instructions"] = task["system"]
    if task.get("tools"):
        made = {"type": "function", "parameters": SCHEMA, "strict": True}
        asking["tools"] = [{**made, "name": name} for name in task["tools"]]
    if task.get("structured"):
        made = {"type": "json_schema", "name": "tower", "schema": SCHEMA, "strict": True}
        asking["text"] = {"format": made}
    reasoning, used = [], [0, 0]
    while True:
        answer = await litellm.aresponses(input=items, **asking)
        if task["stream"]:
            async for event in answer:
                if event.type in ("response.completed", "response.incomplete"):
                    ended = event.response
            answer = ended
        output = [item if isinstance(item, dict) else item.model_dump() for item in answer.output]
        used = [used[0] + answer.usage.input_tokens, used[1] + answer.usage.output_tokens]
        texts = [part for item in output if item["type"] == "message" for part in item["content"]]
        thoughts = [part for i in output if i["type"] == "reasoning" for part in i["summary"]]
        reasoning += [part["text"] for part in thoughts]
        calls = [item for item in output if item["type"] == "function_call"]
        if not calls:
            incomplete = answer.incomplete_details
            return {
                "text": "".join(part["text"] for part in texts),
                "finish": incomplete.reason if incomplete else "stop",
                "usage": used,
                "reasoning": reasoning,
            }
        items += output
        for call in calls:
            heard.append([call["name"], json.loads(call["arguments"])["tower"]])
            result = {"type": "function_call_output", "call_id": call["call_id"]}
            items.append({**result, "output": f"seen by {call['name']}"})


async def main():
    base_url, key = sys.argv[1:]
    litellm.suppress_debug_info = True
    litellm.drop_params = True
    ways = {
        "chat": ("openai", f"{base_url}/v1", as_completion),
        "responses": ("openai", f"{base_url}/v1", as_response),
        "messages": ("anthropic", base_url, as_completion),
    }
    for task in json.load(sys.stdin):
        heard = []
        vendor, base, ask = ways[task["dialect"]]
        asking = {"model": f"{vendor}/{task['model']}", "api_base": base, "api_key": key}
        try:
            got = await ask({**asking, "num_retries": 0, "max_retries": 0}, task, heard)
        except litellm.exceptions.openai.OpenAIError as error:
            got = {"text": "", "error": type(error).__name__, "message": str(error)}
        print(json.dumps({**got, "calls": heard}))


asyncio.run(main())
