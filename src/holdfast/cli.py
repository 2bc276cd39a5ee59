"""The commands. Rooms that take long to import are imported where they are used."""

from __future__ import annotations

import asyncio
import gc
import json
import os
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from . import __version__, log
from .config import WILDCARD, Role, ServerSettings, Settings, from_env, load
from .core.verdict import Language
from .problems import ConfigError
from .terminal.words import say, spoken

DEFAULT_FILE = Path("holdfast.toml")

cli = typer.Typer(
    help="The AI chat server that holds on to the answer. / 不丢回答的 AI 对话服务器。",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
incidents_cli = typer.Typer(help="What went wrong, and why. / 出过什么错，为什么。")
cli.add_typer(incidents_cli, name="incidents")
pairing_cli = typer.Typer(help="Who may talk to bots. / 谁可以和机器人说话。", no_args_is_help=True)
cli.add_typer(pairing_cli, name="pairing")

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Configuration file / 配置文件 [./holdfast.toml]"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="For machines / 供程序读取")]
LimitOption = Annotated[int, typer.Option(help="How many / 条数", min=1)]


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"holdfast {__version__}")
        raise typer.Exit


@cli.callback()
def holdfast(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Show the version and exit. / 显示版本。",
            callback=_print_version,
            is_eager=True,
        ),
    ] = False,
) -> None:
    """Holds the options that need no command; the callbacks do what they ask."""


@cli.command()
def serve(
    config: ConfigOption = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on / 监听地址")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port, 0 for any / 端口，0 为任意", min=0, max=65_535)
    ] = None,
    role: Annotated[Role, typer.Option(help="Its part in a cluster / 在集群中的角色")] = Role.ALL,
) -> None:
    """Serve until Ctrl-C or SIGTERM. / 启动服务。"""
    from . import app

    log.configure(os.environ)

    async def run() -> None:
        async with AsyncExitStack() as stack:
            given, simulated = await _given(config, stack)
            settings = given.listening(host, port)
            word, language = ("ready_simulated" if simulated else "ready"), _language(settings)

            def ready(url: str) -> None:
                _spare_the_collector()
                _ready(say(word, language, url=url))

            await app.serve(settings, ready, simulated=simulated, role=role)

    _run(run())


@cli.command()
def check(
    config: ConfigOption = None,
    probe: Annotated[
        bool,
        typer.Option("--probe", help="Ask every target what it can do / 逐个询问目标的能力"),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check the configuration without starting. / 只检查配置。"""
    from . import app

    if probe:
        _run(_probe(config, as_json))
        return

    def run() -> None:
        settings, source = _settings(config, bots=True)
        language = _language(settings)
        if settings is None:
            names = ", ".join(app.DEMO_ROUTES)
            typer.echo(say("config_none", language, routes=names))
            return
        routes = [say("any", language) if n == WILDCARD else n for n in settings.routes]
        typer.echo(say("config_ok", language, source=source, routes=", ".join(routes)))

    _guarded(run)


@cli.command()
def demo() -> None:
    """Watch answers survive: four failures on simulated models. / 演示四种故障。"""
    from .terminal.demo import play

    _run(play(Console(), _language(None)))


@cli.command()
def chat(
    route: Annotated[str | None, typer.Argument(help="Route / 路由")] = None,
    config: ConfigOption = None,
) -> None:
    """Talk to a route from the terminal. / 在终端里和某个路由对话。"""
    from . import app
    from .terminal.chat import talk

    async def run() -> None:
        async with AsyncExitStack() as stack:
            settings, simulated = await _given(config, stack)
            language = _language(settings)
            known = app.routes_of(settings)
            names = known.names()
            chosen = known.find(route or (names[0] if names else "gpt-5.5"))
            if chosen is None:
                typer.echo(say("no_route", language, name=route, names=", ".join(names)), err=True)
                raise typer.Exit(2)
            executor = await stack.enter_async_context(app.calling("holdfast-chat", []))
            await talk(Console(), executor, chosen, language, simulated=simulated)

    _run(run())


@incidents_cli.callback(invoke_without_command=True)
def incidents(
    context: typer.Context,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    limit: LimitOption = 20,
) -> None:
    """List the latest incidents. / 列出最近的事件。"""
    if not context.invoked_subcommand:
        _list(config, as_json, limit)


@incidents_cli.command("list")
def list_incidents(
    context: typer.Context,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    limit: LimitOption = 20,
) -> None:
    """List the latest incidents. / 列出最近的事件。"""
    _list(*_inherited(context, config, as_json), limit)


@incidents_cli.command()
def show(
    context: typer.Context,
    ref: Annotated[str, typer.Argument(help="Reference id or its beginning / 编号或其开头")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Draw the timeline of one incident, hop by hop. / 画出一个事件的时间线。"""
    from . import app
    from .terminal.incidents import timeline

    config, as_json = _inherited(context, config, as_json)

    def run() -> None:
        settings, _ = _settings(config)
        with app.stored(_server(settings)) as store:
            found = store.find(ref)
        if found is None:
            typer.echo(say("unknown", _language(settings)), err=True)
            raise typer.Exit(1)
        if as_json:
            _print_json(found.record)
        else:
            Console().print(timeline(found.record, _language(settings)))

    _guarded(run)


@pairing_cli.command("list")
def list_pairings(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List who asked to talk to a bot, and who may. / 列出配对请求和已批准的人。"""
    from . import app
    from .terminal.pairings import as_records, table

    def run() -> None:
        settings, _ = _settings(config)
        with app.pairings(_server(settings)) as store:
            found = store.all()
        if as_json:
            _print_json(as_records(found))
        elif found:
            Console().print(table(found, _language(settings)))
        else:
            typer.echo(say("pairing_none", _language(settings)))

    _guarded(run)


@pairing_cli.command()
def approve(
    code: Annotated[str, typer.Argument(help="What the stranger was shown / 对方看到的配对码")],
    config: ConfigOption = None,
) -> None:
    """Let the person who was shown this code talk to the bot. / 批准配对码。"""
    from . import app
    from .bot.middleware.access import CODE_VALID, typed

    def run() -> None:
        settings, _ = _settings(config)
        with app.pairings(_server(settings)) as store:
            found = store.approve(typed(code), app.SystemClock().wall(), CODE_VALID)
        if found is None:
            typer.echo(say("pairing_unknown", _language(settings), code=code), err=True)
            raise typer.Exit(1)
        told = say("pairing_done", _language(settings), person=found.person, bot=found.bot)
        typer.echo(told)

    _guarded(run)


@pairing_cli.command()
def remove(
    bot: Annotated[str, typer.Argument(help="The bot's name / 机器人的名字")],
    person: Annotated[str, typer.Argument(help="The person's id / 对方的编号")],
    config: ConfigOption = None,
) -> None:
    """Take an approval back. / 取消批准。"""
    from . import app

    def run() -> None:
        settings, _ = _settings(config)
        with app.pairings(_server(settings)) as store:
            gone = store.remove(bot, person)
        word = "pairing_removed" if gone else "pairing_nobody"
        typer.echo(say(word, _language(settings), person=person, bot=bot), err=not gone)
        if not gone:
            raise typer.Exit(1)

    _guarded(run)


def main() -> None:
    cli()


def _list(config: Path | None, as_json: bool, limit: int) -> None:
    from . import app
    from .terminal.incidents import table

    def run() -> None:
        settings, _ = _settings(config)
        server = _server(settings)
        with app.stored(server) as store:
            found = store.recent(limit)
        if as_json:
            _print_json([incident.record for incident in found])
        elif found:
            Console().print(table(found, _language(settings)))
        else:
            typer.echo(say("none", _language(settings), folder=server.data_dir))

    _guarded(run)


def _inherited(
    context: typer.Context, config: Path | None, as_json: bool
) -> tuple[Path | None, bool]:
    """Options mean the same before and after the subcommand's name."""
    above = context.parent.params if context.parent else {}
    return config or above.get("config"), as_json or bool(above.get("as_json"))


def _settings(config: Path | None, *, bots: bool = False) -> tuple[Settings | None, str]:
    """From the file, else from the environment, else None for the simulator; and the source.

    With `bots`, what only running them would show is looked at as well.

    Raises ConfigError.
    """
    file = config or (DEFAULT_FILE if DEFAULT_FILE.exists() else None)
    if file and bots:
        from .assembly import bot_problems

        return load(file, os.environ, bot_problems), str(file)
    if file:
        return load(file, os.environ), str(file)
    return from_env(os.environ), "OPENAI_API_KEY, OPENAI_BASE_URL"


async def _probe(config: Path | None, as_json: bool) -> None:
    """Ends with 1 if a target gives no answer."""
    from . import app
    from .terminal.probed import tell

    async with AsyncExitStack() as stack:
        settings, _ = await _given(config, stack)
        language = _language(settings)
        findings = await app.probe_all(settings, language)
    if as_json:
        _print_json([finding.as_json() for finding in findings])
    elif findings:
        tell(Console(), findings, language)
    else:
        typer.echo(say("probe_none", language))
    if any(finding.failure for finding in findings):
        raise typer.Exit(1)


async def _given(config: Path | None, stack: AsyncExitStack) -> tuple[Settings, bool]:
    """The settings, and whether they are those of the simulator, which runs as long as `stack`."""
    from . import app

    settings, _ = _settings(config, bots=True)
    if settings:
        return settings, False
    return await stack.enter_async_context(app.simulated()), True


def _server(settings: Settings | None) -> ServerSettings:
    return settings.server if settings else ServerSettings()


def _language(settings: Settings | None) -> Language:
    return spoken(_server(settings).language, os.environ)


def _ready(line: str) -> None:
    """One line on standard output, for people and for scripts that wait for it."""
    print(line, flush=True)


def _spare_the_collector() -> None:
    """What a start has made stays: to look through it again and again is a tenth of all work."""
    gc.collect()
    gc.freeze()


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


def _run(work: Coroutine[Any, Any, None]) -> None:
    def run() -> None:
        try:
            with asyncio.Runner(loop_factory=_loop_factory()) as runner:
                runner.run(work)
        except KeyboardInterrupt:
            raise typer.Exit(130) from None

    _guarded(run)


def _loop_factory() -> Any:
    """uvloop where there is one."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def _guarded(work: Callable[[], None]) -> None:
    """Says what is wrong with the set-up in the person's language, instead of a traceback."""
    try:
        work()
    except ConfigError as error:
        typer.echo(error.say(spoken(error.language, os.environ)), err=True)
        raise typer.Exit(2) from None
