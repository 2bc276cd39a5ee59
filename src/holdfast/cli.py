"""The commands. Rooms that take long to import are imported where they are used."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from . import log
from .config import ServerSettings, Settings, from_env, load
from .core.verdict import Language
from .problems import ConfigError
from .store.ports import IncidentStore, StoreFailed
from .terminal.words import say, spoken

DEFAULT_FILE = Path("holdfast.toml")

cli = typer.Typer(
    help="The AI chat gateway that holds on to the answer. / 不丢回答的 AI 网关。",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
incidents_cli = typer.Typer(help="What went wrong, and why. / 出过什么错，为什么。")
cli.add_typer(incidents_cli, name="incidents")

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Configuration file / 配置文件 [./holdfast.toml]"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="For machines / 供程序读取")]


@cli.command()
def serve(
    config: ConfigOption = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on / 监听地址")] = None,
    port: Annotated[int | None, typer.Option(help="Port, 0 for any / 端口，0 为任意")] = None,
) -> None:
    """Serve the gateway until Ctrl-C or SIGTERM. / 启动网关。"""
    from . import app

    log.configure()

    async def run() -> None:
        async with AsyncExitStack() as stack:
            given, simulated = await _given(config, stack)
            settings = given.listening(host, port)
            word, language = ("ready_simulated" if simulated else "ready"), _language(settings)
            await app.serve(settings, lambda url: _ready(say(word, language, url=url)))

    _run(run())


@cli.command()
def check(config: ConfigOption = None) -> None:
    """Check the configuration without starting. / 只检查配置。"""

    def run() -> None:
        settings = _settings(config)
        names = ", ".join(settings.routes) if settings else "demo"
        file = str(config or (DEFAULT_FILE if DEFAULT_FILE.exists() else "-"))
        typer.echo(say("config_ok", _language(settings), file=file, routes=names))

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
    from .upstream.catalog import routes

    async def run() -> None:
        async with AsyncExitStack() as stack:
            settings, _ = await _given(config, stack)
            language = _language(settings)
            known = routes(settings, app.pepper(settings.server.data_dir))
            names = known.names()
            chosen = known.find(route or (names[0] if names else "gpt-5.5"))
            if chosen is None:
                told = say("no_route", language, name=route, names=", ".join(names))
                raise typer.BadParameter(told)
            executor = await stack.enter_async_context(app.calling("holdfast-chat", []))
            await talk(Console(), executor, chosen, language)

    _run(run())


@incidents_cli.callback(invoke_without_command=True)
def incidents(
    context: typer.Context,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    limit: Annotated[int, typer.Option(help="How many / 条数", min=1)] = 20,
) -> None:
    """List the latest incidents. / 列出最近的事件。"""
    if context.invoked_subcommand:
        return
    from .terminal.incidents import table

    def run() -> None:
        settings, store = _store(config)
        found = store.recent(limit)
        if as_json:
            _print_json([i.record for i in found])
        elif found:
            Console().print(table(found, _language(settings)))
        else:
            typer.echo(say("none", _language(settings)))

    _guarded(run)


@incidents_cli.command("list")
def list_incidents(
    config: ConfigOption = None,
    as_json: JsonOption = False,
    limit: Annotated[int, typer.Option(help="How many / 条数", min=1)] = 20,
) -> None:
    """List the latest incidents. / 列出最近的事件。"""
    context = typer.Context(typer.main.get_command(incidents_cli))
    incidents(context, config, as_json, limit)


@incidents_cli.command()
def show(
    ref: Annotated[str, typer.Argument(help="Reference id or its beginning / 编号或其开头")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Draw the timeline of one incident, hop by hop. / 画出一个事件的时间线。"""
    from .terminal.incidents import timeline

    def run() -> None:
        settings, store = _store(config)
        found = store.find(ref)
        if found is None:
            typer.echo(say("unknown", _language(settings)), err=True)
            raise typer.Exit(1)
        if as_json:
            _print_json(found.record)
        else:
            Console().print(timeline(found.record, _language(settings)))

    _guarded(run)


def main() -> None:
    cli()


def _settings(config: Path | None) -> Settings | None:
    """From the file, else from the environment; None for the simulator. Raises ConfigError."""
    from .app import check as check_settings

    file = config or (DEFAULT_FILE if DEFAULT_FILE.exists() else None)
    settings = load(file, os.environ) if file else from_env(os.environ)
    if settings:
        check_settings(settings, str(file))
    return settings


async def _given(config: Path | None, stack: AsyncExitStack) -> tuple[Settings, bool]:
    """The settings, and whether they are those of the simulator, which runs as long as `stack`."""
    from . import app

    settings = _settings(config)
    if settings:
        return settings, False
    return await stack.enter_async_context(app.simulated()), True


def _store(config: Path | None) -> tuple[Settings | None, IncidentStore]:
    from .app import database
    from .store.incidents import SqlIncidents

    settings = _settings(config)
    server = settings.server if settings else ServerSettings()
    return settings, SqlIncidents(database(server), server.max_incidents)


def _language(settings: Settings | None) -> Language:
    return spoken(settings.server.language if settings else "auto", os.environ)


def _ready(line: str) -> None:
    """One line on standard output, for people and for scripts that wait for it."""
    print(line, flush=True)


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

    language = _language(None)
    try:
        work()
    except ConfigError as error:
        typer.echo(error.say(language), err=True)
        sys.exit(2)
    except StoreFailed as error:
        told = say("store_failed", language, folder="server.data_dir", reason=str(error))
        typer.echo(told, err=True)
        sys.exit(2)
