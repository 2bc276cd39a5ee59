"""A bot on `nonebot-adapter-qq`, led to the address in argv[1] by its settings alone.

Tells each event as a line of JSON and answers messages twice. With a port as argv[4] it is
called by webhook there.
"""

import json
import sys

import nonebot
from nonebot.adapters.qq import Adapter
from nonebot.adapters.qq.event import (
    C2CMessageCreateEvent,
    FriendAddEvent,
    GroupAtMessageCreateEvent,
    InteractionCreateEvent,
    MessageEvent,
)
from nonebot.adapters.qq.exception import ActionFailed

WHERE, APP_ID, SECRET = sys.argv[1:4]
PORT = int(sys.argv[4]) if len(sys.argv) > 4 else 0


def tell(event, **more):
    print(json.dumps({"event": event, **more}, ensure_ascii=False), flush=True)


nonebot.init(
    driver="~fastapi+~httpx" if PORT else "~httpx+~websockets",
    host="127.0.0.1",
    port=PORT or 8080,
    log_level="CRITICAL",
    fastapi_reload=False,
    qq_api_base=f"http://{WHERE}/",
    qq_auth_base=f"http://{WHERE}/app/getAppAccessToken",
    qq_bots=[
        {
            "id": APP_ID,
            "token": "x",
            "secret": SECRET,
            "use_websocket": not PORT,
            "intent": {
                "c2c_group_at_messages": True,
                "direct_message": True,
                "interaction": True,
            },
        }
    ],
)
driver = nonebot.get_driver()
driver.register_adapter(Adapter)


@driver.on_startup
async def started():
    tell("started")


@driver.on_bot_connect
async def connected(bot):
    tell("ready", name=bot.self_info.username if not PORT else "")


said = nonebot.on_message()


@said.handle()
async def _(bot, event: MessageEvent):
    tell(type(event).__name__, text=event.get_plaintext(), who=event.get_user_id())
    await bot.send(event, f"got: {event.get_plaintext()}")
    if isinstance(event, C2CMessageCreateEvent | GroupAtMessageCreateEvent):
        await bot.send(event, "two")
        try:
            await bot.send(event, "see crawler.py")
        except ActionFailed as refused:
            tell("refused", code=refused.code, trace=bool(refused.trace_id))


noticed = nonebot.on_notice()


@noticed.handle()
async def _(bot, event: FriendAddEvent | InteractionCreateEvent):
    tell(type(event).__name__)
    if isinstance(event, InteractionCreateEvent):
        await bot.put_interaction(interaction_id=event.id, code=0)


nonebot.run()
