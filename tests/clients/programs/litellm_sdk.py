"""Asks with the `litellm` SDK; prints what it got, one JSON object for each model.

Runs in the client's own environment: `python litellm_sdk.py BASE_URL KEY` with the models of each
mode as a JSON object on standard input; a mode is "json" or "stream", with
"+async" for the asynchronous calls.
"""

import asyncio
import importlib.metadata
import json
import sys

import litellm


def note(got, chunk):
    got["ids"] = sorted({*got["ids"], chunk.id})
    got["models"] = sorted({*got["models"], chunk.model})
    for choice in chunk.choices:
        got["text"] += choice.delta.content or ""
        got["finish"] = choice.finish_reason or got["finish"]


def whole(got, answer):
    choice = answer.choices[0]
    got.update(text=choice.message.content, finish=choice.finish_reason)
    got.update(ids=[answer.id], models=[answer.model])


def told(got, error):
    """An error as its user sees it."""
    got["error"] = type(error).__name__
    got["status"] = error.status_code
    got["body"] = None
    got["message"] = str(error)


def ask(got, asking):
    try:
        answer = litellm.completion(**asking)
        if not asking["stream"]:
            return whole(got, answer)
        for chunk in answer:
            note(got, chunk)
    except litellm.exceptions.openai.OpenAIError as error:
        told(got, error)


async def ask_async(got, asking):
    try:
        answer = await litellm.acompletion(**asking)
        if not asking["stream"]:
            return whole(got, answer)
        async for chunk in answer:
            note(got, chunk)
    except litellm.exceptions.openai.OpenAIError as error:
        told(got, error)


def main():
    base_url, key = sys.argv[1:]
    litellm.suppress_debug_info = True
    asked = [(mode, model) for mode, models in json.load(sys.stdin).items() for model in models]
    for mode, model in asked:
        got = {"text": "", "finish": None, "ids": [], "models": []}
        asking = {
            "model": f"openai/{model}",
            "api_base": base_url,
            "api_key": key,
            "messages": [{"role": "user", "content": "Hello!"}],
            "stream": mode.startswith("stream"),
        }
        if mode.endswith("+async"):
            asyncio.run(ask_async(got, asking))
        else:
            ask(got, asking)
        print(json.dumps({**got, "version": importlib.metadata.version("litellm")}))


main()
