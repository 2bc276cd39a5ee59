"""A bot on the official `qq-botpy` library, redirected to the address in argv[1].

Tells each event as a line of JSON; answers messages with "got: ..." and then once more with the
same number, to hear how the platform refuses that.
"""

import json
import logging
import sys

import aiohttp
import botpy
import botpy.errors
import botpy.http

WHERE, APP_ID, SECRET = sys.argv[1:4]
TOKEN_HOST = "https://bots.qq.com"  # a literal in botpy's Token.update_access_token

botpy.http.Route.SCHEME = "http"
botpy.http.Route.DOMAIN = botpy.http.Route.SANDBOX_DOMAIN = WHERE
original = aiohttp.ClientSession.post


def redirected(self, url=None, *args, **kwargs):
    if isinstance(url, str) and url.startswith(TOKEN_HOST):
        url = url.replace(TOKEN_HOST, f"http://{WHERE}")
    return original(self, url, *args, **kwargs)


aiohttp.ClientSession.post = redirected


def tell(event, **more):
    print(json.dumps({"event": event, **more}, ensure_ascii=False), flush=True)


class Bot(botpy.Client):
    async def on_ready(self):
        tell("ready", name=self.robot.name)

    async def on_c2c_message_create(self, message):
        tell("c2c", text=message.content, who=message.author.user_openid)
        await self.answer(message, msg_seq=1)

    async def on_group_at_message_create(self, message):
        tell("group", text=message.content, who=message.author.member_openid)
        await self.answer(message, msg_seq=1)

    async def on_at_message_create(self, message):
        tell("channel", text=message.content, who=message.author.username)
        await message.reply(content=f"got: {message.content}")

    async def on_direct_message_create(self, message):
        tell("dm", text=message.content, who=message.author.username)
        await message.reply(content=f"got: {message.content}")

    async def on_interaction_create(self, interaction):
        tell("interaction", text=interaction.data.resolved.button_data)
        await self.api.on_interaction_result(interaction.id, 0)

    async def on_friend_add(self, event):
        tell("friend", who=event.openid)

    async def answer(self, message, msg_seq):
        await message.reply(content=f"got: {message.content}", msg_seq=msg_seq)
        try:
            await message.reply(content="again", msg_seq=msg_seq)
        except botpy.errors.ServerError as refused:
            tell("refused", why=str(refused))


logging.getLogger("botpy").setLevel(logging.CRITICAL)
intents = botpy.Intents(
    public_messages=True, public_guild_messages=True, direct_message=True, interaction=True
)
Bot(intents=intents, bot_log=None).run(appid=APP_ID, secret=SECRET)
