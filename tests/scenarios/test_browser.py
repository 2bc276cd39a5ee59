"""The chat page in Chromium, before a real server: what a person with a browser sees."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from tests import pictures
from tests.ports import reserved
from tests.pulse import Pulse
from tests.serving import configuration, serving, vendor
from tests.upstream.leaks import HANG

from holdfast.sim.library import TEXTS

CHROMIUM = os.environ.get("HOLDFAST_CHROMIUM") or shutil.which("chromium")
PATIENCE = 1000 * HANG  # milliseconds

# Nothing but our own page: Chromium asks for names of its maker's otherwise.
_ARGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
ROUTES = {
    "fine": ["ok;pace=0.01"],
    "cut": ["reset@40;pace=0.005", "ok;pace=0.005"],
    "lost": ["sub2api_502"],
    "endless": ["ok;text=long;pace=0.2"],
}
TEXT = TEXTS["demo"]["en"]
TOOLS = str(Path(__file__).parents[1] / "agent" / "mcp_server.py")
SOME = 20  # pieces of an answer, of which each has many more

pytestmark = [
    pytest.mark.scenario,
    pytest.mark.slow,
    pytest.mark.skipif(
        CHROMIUM is None, reason="no Chromium: install it, or name it by HOLDFAST_CHROMIUM"
    ),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(
            executable_path=CHROMIUM, args=list(_ARGS), timeout=PATIENCE
        )


@pytest.fixture
def pulse() -> Pulse:
    return Pulse()


@contextmanager
def page(
    browser: Browser,
    folder: Path,
    route: str = "fine",
    locale: str = "en-US",
    pulse: Pulse | None = None,
    more: str = 'tools = ["calculator"]',
) -> Iterator[Page]:
    with vendor(pulse) as upstream:
        bot = f'[bots.web]\nplatform = "webchat"\nroute = "{route}"\n'
        told = configuration(upstream.base_url, ROUTES)
        rules = f'access = {{ direct = "open" }}\n{more}\n'
        (folder / "holdfast.toml").write_text(f"{told}\n{bot}{rules}")
        with serving(folder) as served:
            context = browser.new_context(locale=locale)
            context.set_default_timeout(PATIENCE)
            opened = context.new_page()
            errors: list[str] = []
            opened.on("pageerror", lambda error: errors.append(str(error)))
            opened.goto(served.url)
            yield opened
            context.close()
            assert not errors


def say(page: Page, text: str) -> None:
    box = page.get_by_role("textbox")
    box.fill(text)
    box.press("Enter")


def whole(page: Page) -> None:
    expect(page.get_by_role("button", name="Ask again")).to_be_visible()


def answer(page: Page) -> str:
    """The text of all answers, as the page shows it."""
    return "\n\n".join(page.locator(".prose").all_inner_texts())


def seen(text: str) -> str:
    """A text as it is left when Markdown has become a page."""
    return re.sub(r"\W+", " ", text).strip()


def test_an_answer_goes_on_after_a_reload(browser: Browser, pulse: Pulse, tmp_path: Path) -> None:
    with page(browser, tmp_path, pulse=pulse) as there:
        with pulse.held(after=SOME):
            say(there, "Hello!")
            expect(there.locator(".growing .prose").first).to_be_visible()
            there.reload()
        whole(there)
        assert seen(answer(there)) == seen(TEXT)
        expect(there.locator(".mine")).to_have_text("Hello!")


def test_an_answer_goes_on_when_the_server_was_killed(
    browser: Browser, pulse: Pulse, tmp_path: Path
) -> None:
    with vendor(pulse) as upstream, reserved() as port:
        (tmp_path / "holdfast.toml").write_text(configuration(upstream.base_url, ROUTES))
        with serving(tmp_path, "--port", str(port)) as first, pulse.held(after=SOME):
            there = browser.new_page(locale="en-US")
            there.set_default_timeout(PATIENCE)
            there.goto(first.url)
            say(there, "Hello!")
            expect(there.locator(".growing .prose").first).to_be_visible()
            first.process.kill()
            expect(there.get_by_text("Reconnecting")).to_be_visible()
        with serving(tmp_path, "--port", str(port)):
            whole(there)
            assert seen(answer(there)) == seen(TEXT)
        there.close()


def test_a_rescued_answer_is_whole_and_says_so(browser: Browser, tmp_path: Path) -> None:
    with page(browser, tmp_path, "cut") as there:
        say(there, "Hello!")
        whole(there)
        assert seen(answer(there)) == seen(TEXT)
        expect(there.get_by_text("held on to")).to_be_visible()


def test_a_failure_is_one_plain_sentence_with_a_reference(browser: Browser, tmp_path: Path) -> None:
    with page(browser, tmp_path, "lost") as there:
        say(there, "Hello!")
        told = there.get_by_role("status")
        expect(told).to_contain_text(re.compile(r"ref [0-9A-Z]{26}"))
        assert "502" not in there.locator("body").inner_text()


def test_stop_and_ask_again(browser: Browser, pulse: Pulse, tmp_path: Path) -> None:
    with page(browser, tmp_path, "endless", pulse=pulse) as there:
        with pulse.held(after=SOME):
            say(there, "Hello!")
            expect(there.locator(".growing .prose").first).to_be_visible()
            there.get_by_role("button", name="Stop").click()
            expect(there.get_by_role("status")).to_contain_text("Stopped")
        say(there, "/model fine")
        expect(there.get_by_text("fine").last).to_be_visible()
        there.get_by_role("button", name="Ask again").click()
        expect(there.locator(".prose").last).to_contain_text(seen(TEXT)[-20:].split()[-1])


def test_what_is_half_typed_survives_asking_again(browser: Browser, tmp_path: Path) -> None:
    with page(browser, tmp_path) as there:
        say(there, "Hello!")
        whole(there)
        there.get_by_role("textbox").fill("half a sen")
        there.get_by_role("button", name="Ask again").click()
        whole(there)
        expect(there.get_by_role("textbox")).to_have_value("half a sen")
        expect(there.locator(".mine")).to_have_text(["Hello!", "Ask again"])


def test_what_is_said_offline_is_sent_once_when_there_is_a_line_again(
    browser: Browser, tmp_path: Path
) -> None:
    with page(browser, tmp_path) as there:
        say(there, "Hello!")
        whole(there)
        there.context.set_offline(True)
        say(there, "Are you there?")
        there.get_by_role("textbox").press("Enter")
        expect(there.locator(".mine.unsent")).to_have_text("Are you there?")
        expect(there.get_by_text("Reconnecting")).to_be_visible()
        there.get_by_role("textbox").fill("next")
        there.context.set_offline(False)
        expect(there.locator(".mine.unsent")).to_have_count(0)
        whole(there)
        expect(there.locator(".mine")).to_have_text(["Hello!", "Are you there?"])
        expect(there.get_by_role("textbox")).to_have_value("next")
        expect(there.get_by_text("Reconnecting")).to_have_count(0)


def test_a_message_that_was_not_sent_when_the_page_was_left_is_sent_later(
    browser: Browser, tmp_path: Path
) -> None:
    with page(browser, tmp_path) as there:
        there.route("**/messages", lambda route: route.abort())
        say(there, "Hello!")
        expect(there.locator(".mine.unsent")).to_have_text("Hello!")
        there.unroute("**/messages")
        there.reload()
        whole(there)
        expect(there.locator(".mine")).to_have_text(["Hello!"])


def test_the_way_back_leads_to_the_conversation_before(browser: Browser, tmp_path: Path) -> None:
    with page(browser, tmp_path) as there:
        say(there, "Hello!")
        whole(there)
        there.get_by_role("button", name="New chat").click()
        expect(there.locator(".mine")).to_have_count(0)
        say(there, "Something else")
        whole(there)
        there.go_back()
        expect(there.locator(".mine")).to_have_text(["Hello!"])
        there.go_forward()
        expect(there.locator(".mine")).to_have_text(["Something else"])
        there.reload()
        expect(there.locator(".mine")).to_have_text(["Something else"])


def test_two_tabs_show_the_same(browser: Browser, pulse: Pulse, tmp_path: Path) -> None:
    with page(browser, tmp_path, "cut", pulse=pulse) as there:
        other = there.context.new_page()
        other.goto(there.url)
        with pulse.held(after=SOME):
            say(there, "Hello!")
            expect(other.locator(".growing .prose").first).to_be_visible()
            say(other, "And again!")
        for tab in (there, other):
            expect(tab.locator(".mine")).to_have_text(["Hello!", "And again!"])
            expect(tab.locator(".mine.unsent")).to_have_count(0)  # such a one grows nothing yet
            expect(tab.locator(".growing")).to_have_count(0)
        assert answer(there) == answer(other)


def test_a_message_that_is_too_long_comes_back(browser: Browser, tmp_path: Path) -> None:
    with page(browser, tmp_path) as there:
        say(there, "long " * 30_000)
        expect(there.get_by_text("does not take this message")).to_be_visible()
        expect(there.get_by_role("textbox")).to_have_value(re.compile("^long long"))
        expect(there.locator(".mine")).to_have_count(0)


def test_formulas_are_shown_and_prices_are_none(browser: Browser, tmp_path: Path) -> None:
    with page(browser, tmp_path) as there:
        say(there, r"/persona \(E = mc^2\), `\(code\)`, $5 and $6")
        say(there, "/persona")
        expect(there.locator(".prose math")).to_have_count(1)
        assert r"\(code\), $5 and $6" in answer(there)


def test_what_cannot_be_rendered_is_shown_as_it_was_written(
    browser: Browser, tmp_path: Path
) -> None:
    """Neither it nor a reload of it costs the page."""
    with page(browser, tmp_path) as there:
        deep = ">" * 3000
        say(there, f"/persona They said:\n\n{deep} far down")
        say(there, "/persona")
        expect(there.locator(".prose .plain")).to_contain_text(deep)
        there.reload()
        expect(there.locator(".prose .plain")).to_contain_text(deep)
        say(there, r"/persona \(\frac{1}\)")
        say(there, "/persona")
        expect(there.locator(".formula")).to_have_text(r"\frac{1}")


def test_a_tool_shows_its_steps(browser: Browser, tmp_path: Path) -> None:
    with page(browser, tmp_path) as there:
        say(there, "tool:calculator text:short")
        whole(there)
        step = there.get_by_role("button", name="calculator")
        expect(step).to_be_visible()
        step.click()
        expect(there.locator(".plain").first).to_contain_text("expression")


def test_words_of_people_and_models_are_never_markup(browser: Browser, tmp_path: Path) -> None:
    with page(browser, tmp_path) as there:
        say(there, '<img src=x onerror="document.title=1"> /help')
        whole(there)
        say(there, "/persona <b>bold</b><script>document.title='pwned'</script>")
        expect(there.locator(".mine")).to_have_count(2)
        expect(there.locator(".mine.unsent, .growing")).to_have_count(0)
        expect(there).to_have_title("Holdfast")
        assert there.locator("main script, main img, main b:has-text('bold')").count() == 0


def test_it_speaks_chinese(browser: Browser, tmp_path: Path) -> None:
    with page(browser, tmp_path, locale="zh-CN") as there:
        say(there, "你好，请介绍一下")
        expect(there.get_by_role("button", name="重新回答")).to_be_visible()
        assert seen(answer(there)) == seen(TEXTS["demo"]["zh"])


def test_what_a_tool_brings_is_at_its_step_also_after_a_reload(
    browser: Browser, tmp_path: Path
) -> None:
    command = json.dumps([sys.executable, TOOLS, str(tmp_path / "ledger.txt")])
    more = f'tools = ["mcp:box"]\n[mcp.box]\ncommand = {command}'
    with page(browser, tmp_path, more=more) as there:
        say(there, "Please tool:box__picture")
        whole(there)
        say(there, "Please tool:box__everything")
        expect(there.locator("audio.exhibit")).to_have_count(1)
        for _ in range(2):
            picture = there.locator("img.exhibit")
            expect(picture).to_have_count(1)
            expect(picture).to_have_js_property("naturalWidth", 24)
            sound = there.locator("audio.exhibit")
            expect(sound).to_have_js_property("error", None)
            with there.expect_download() as download:
                there.get_by_role("button", name="Save file-3.bin").click()
            assert Path(download.value.path()).read_bytes() == pictures.PAGE
            there.reload()
