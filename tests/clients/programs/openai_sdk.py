"""Asks with the official `openai` SDK; prints what it got, one JSON object for each model.

Runs in the client's own environment: `python openai_sdk.py BASE_URL KEY` with the models of each
mode as a JSON object on standard input; a mode is "json" or "stream", with
"+async" for the asynchronous client.
"""

import asyncio
import json
import sys

import openai


def asking(model, streams):
    messages = [{"role": "user", "content": "Hello!"}]
    return {"model": model, "messages": messages, "stream": streams}


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
    got["status"] = getattr(error, "status_code", None)
    got["body"] = error.body
    got["message"] = error.message


def ask(client, got, model, streams):
    try:
        answer = client.chat.completions.create(**asking(model, streams))
        if not streams:
            return whole(got, answer)
        for chunk in answer:
            note(got, chunk)
    except openai.APIError as error:
        told(got, error)


async def ask_async(client, got, model, streams):
    try:
        answer = await client.chat.completions.create(**asking(model, streams))
        if not streams:
            return whole(got, answer)
        async for chunk in answer:
            note(got, chunk)
    except openai.APIError as error:
        told(got, error)


async def all_async(base_url, key, streams, given):
    async with openai.AsyncOpenAI(base_url=base_url, api_key=key) as client:
        for model, got in given.items():
            await ask_async(client, got, model, streams)


def ask_all(base_url, key, mode, models):
    given = {model: {"text": "", "finish": None, "ids": [], "models": []} for model in models}
    streams = mode.startswith("stream")
    if mode.endswith("+async"):
        asyncio.run(all_async(base_url, key, streams, given))
    else:
        with openai.OpenAI(base_url=base_url, api_key=key) as client:
            for model, got in given.items():
                ask(client, got, model, streams)
    for model in models:
        print(json.dumps({**given[model], "version": openai.__version__}))


def main():
    base_url, key = sys.argv[1:]
    for mode, models in json.load(sys.stdin).items():
        ask_all(base_url, key, mode, models)


main()
