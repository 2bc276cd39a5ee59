"""The chat page in Chromium, before a real server: what a person with a browser sees."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from tests.serving import configuration, serving, vendor

from holdfast.sim.library import TEXTS

CHROMIUM = os.environ.get("HOLDFAST_CHROMIUM") or shutil.which("chromium")
PATIENCE = 30_000.0  # milliseconds; only a hang reaches it

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

pytestmark = [
    pytest.mark.scenario,
    pytest.mark.slow,
    pytest.mark.skipif(
        CHROMIUM is None, reason="no Chromium: install it, or name it by HOLDFAST_CHROMIUM"
    ),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=list(_ARGS))


@contextmanager
def page(
    browser: Browser, folder: Path, route: str = "fine", locale: str = "en-US"
) -> Iterator[Page]:
    with vendor() as upstream:
        bot = f'[bots.web]\nplatform = "webchat"\nroute = "{route}"\n'
        told = configuration(upstream.base_url, ROUTES)
        more = 'tools = ["calculator"]\naccess = { direct = "open" }\n'
        (folder / "holdfast.toml").write_text(f"{told}\n{bot}{more}")
        with serving(folder) as served:
            context = browser.new_context(locale=locale)
            context.set_default_timeout(PATIENCE)
            expect.set_options(timeout=PATIENCE)
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


def test_an_answer_goes_on_after_a_reload(browser: Browser, tmp_path: Path) -> None:
    with page(browser, tmp_path) as there:
        say(there, "Hello!")
        expect(there.locator(".growing .prose").first).to_be_visible()
        there.reload()
        whole(there)
        assert seen(answer(there)) == seen(TEXT)
        expect(there.locator(".mine")).to_have_text("Hello!")


def test_an_answer_goes_on_when_the_server_was_killed(browser: Browser, tmp_path: Path) -> None:
    with vendor() as upstream:
        (tmp_path / "holdfast.toml").write_text(configuration(upstream.base_url, ROUTES))
        with serving(tmp_path) as first:
            there = browser.new_page(locale="en-US")
            there.goto(first.url)
            say(there, "Hello!")
            expect(there.locator(".growing .prose").first).to_be_visible()
            first.process.kill()
            expect(there.get_by_text("Reconnecting")).to_be_visible(timeout=PATIENCE)
        with serving(tmp_path, "--port", str(urlsplit(first.url).port)):
            expect(there.get_by_role("button", name="Ask again")).to_be_visible(timeout=PATIENCE)
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


def test_stop_and_ask_again(browser: Browser, tmp_path: Path) -> None:
    with page(browser, tmp_path, "endless") as there:
        say(there, "Hello!")
        expect(there.locator(".growing .prose").first).to_be_visible()
        there.get_by_role("button", name="Stop").click()
        expect(there.get_by_role("status")).to_contain_text("Stopped")
        say(there, "/model fine")
        expect(there.get_by_text("fine").last).to_be_visible()
        there.get_by_role("button", name="Ask again").click()
        expect(there.locator(".prose").last).to_contain_text(seen(TEXT)[-20:].split()[-1])


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
        whole(there)
        expect(there).to_have_title("Holdfast")
        assert there.locator("main script, main img, main b:has-text('bold')").count() == 0


def test_it_speaks_chinese(browser: Browser, tmp_path: Path) -> None:
    with page(browser, tmp_path, locale="zh-CN") as there:
        say(there, "你好，请介绍一下")
        expect(there.get_by_role("button", name="重新回答")).to_be_visible()
        assert seen(answer(there)) == seen(TEXTS["demo"]["zh"])
