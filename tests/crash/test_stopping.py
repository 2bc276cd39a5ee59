"""A server that is told to end while people are being answered."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest
from tests.crash.served import Lives
from tests.launching import Launcher
from tests.pulse import Pulse
from tests.serving import configuration
from tests.upstream.leaks import until

from holdfast.sim.qq.simulator import SimulatedQQ
from holdfast.sim.script import expected, parse
from holdfast.sim.upstream import SimulatedUpstream

pytestmark = pytest.mark.slow

QUESTION = "Tell me about text:demo please"
BOT = '[bots.helper]\nplatform = "qq"\nroute = "main"\naccess = {{ direct = "open" }}\n{qq}'


def test_an_answer_under_way_is_told_to_its_end_and_what_waits_is_the_next_servers(
    launcher: Launcher, tmp_path: Path
) -> None:
    async def main() -> None:
        pulse = Pulse()
        async with SimulatedUpstream(sleep=pulse.sleep) as upstream, SimulatedQQ() as qq:
            told = "\n".join(f'{name} = "{value}"' for name, value in qq.settings().items())
            rules = configuration(
                upstream.base_url, {"main": ["ok;pace=0.01"]}, BOT.format(qq=told)
            )
            (tmp_path / "holdfast.toml").write_text(rules, encoding="utf-8")
            async with Lives(launcher, tmp_path, {}) as lives:
                first = lives.begin()
                await qq.connected()
                anna = qq.person("Anna")
                with pulse.held(after=9):
                    anna.says(QUESTION)
                    await qq.until(lambda: bool(anna.generating))
                    anna.says("text:short and then?")
                    anna.says("/status")
                    await qq.until(lambda: any("Model" in told for told in anna.reads))
                    first.signal(signal.SIGTERM)
                    await until(lambda: "draining" in (tmp_path / "stderr.txt").read_text())
                await first.over.wait()
                asked = {"messages": [{"role": "user", "content": QUESTION}]}
                assert expected(asked, parse("ok").habits) in anna.reads
                assert anna.generating == []
                assert len(upstream.requests) == 1
                second = lives.begin()
                await qq.until(lambda: len(anna.reads) == 3 and not anna.generating)
                assert anna.reads[-1].startswith("Hold fast")
                await second.stop()
                assert qq.complaints == []

    asyncio.run(main())
