"""The page at the service's root, in a real browser: what a wrangler sees and does there."""

import contextlib
import os
import shutil

import pytest

from tests.service.running import eventually, upload
from tests.service.stub_engine import ENDLESS, FAST, REFUSED

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
MARKUP = "<img src=x onerror=document.title='owned'>"


@pytest.fixture(scope="module")
def browser():
    """Headless Chromium; skipped where there is none."""
    playwright = pytest.importorskip("playwright.sync_api")
    if BROWSER is None:
        pytest.skip("needs Chromium")
    options = ["--no-sandbox"] if os.name == "posix" and os.geteuid() == 0 else []
    with playwright.sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=BROWSER, args=options)
        yield found
        found.close()


@pytest.fixture
def page(browser, run_engine):
    """A tab, its ``engine``, and in ``complaints`` whatever the browser refused or threw."""
    engine = run_engine(STUB_PACE="0.02")
    engine.worker_pid()
    with contextlib.closing(browser.new_page()) as page:
        page.engine, page.complaints = engine, []
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("console", lambda said: said.type == "error" and page.complaints.append(said.text))
        page.goto(engine.url)
        yield page


def enter(page, token: str) -> None:
    page.fill("#token", token)
    page.click("text=Enter")


def test_it_shows_nothing_without_a_token_and_says_so_where_it_is_wrong(page):
    assert not page.is_visible("main")
    enter(page, "wrong")
    page.wait_for_function("document.getElementById('trouble').textContent.includes('missing or wrong')")
    assert not page.is_visible("main")


def test_it_shows_jobs_workers_previews_and_logs_and_obeys(page):
    engine = page.engine
    running = engine.client.submit(upload(ENDLESS, steps=4), name="Sc 010", comment="for dailies")
    failed = engine.client.submit(upload(REFUSED), name="Sc 020")
    waiting = engine.client.submit(upload(FAST), name="Sc 030")
    enter(page, engine.first_line["token"])
    page.wait_for_selector("#jobs tr:has-text('Sc 010') >> text=denoise 4/4")
    assert page.is_visible("text=for dailies")
    page.wait_for_selector("#workers tr:has-text('ready')")
    page.wait_for_function("[...document.images].some(image => image.src.startsWith('blob:'))")
    page.click("#jobs tr:has-text('Sc 030') >> text=Hold")
    eventually(lambda: engine.client.job(waiting).state == "held", "it is held")
    page.once("dialog", lambda dialog: dialog.accept("42"))
    page.click("#jobs tr:has-text('Sc 030') >> text=Priority")
    eventually(lambda: engine.client.job(waiting).priority == 42, "its priority is another")
    page.click("#jobs tr:has-text('Sc 030') >> text=Resume")
    page.click("#jobs tr:has-text('Sc 010') >> text=Log")
    page.wait_for_selector("#log >> text=attempt 1 begins")
    page.click("#jobs tr:has-text('Sc 010') >> text=Cancel")
    eventually(lambda: engine.client.job(running).state == "cancelled", "it is cancelled")
    eventually(lambda: engine.client.job(failed).over and engine.client.job(waiting).over, "all are over")
    page.wait_for_selector("#jobs tr:has-text('Sc 020') >> text=not to my taste")
    page.click("#jobs tr:has-text('Sc 020') >> text=Requeue")
    eventually(lambda: engine.client.job(failed).attempt == 2, "it is made again")
    page.wait_for_selector("#endings tr:has-text('Sc 020') >> text=refused")
    assert page.complaints == []


def test_a_name_is_never_markup_or_a_script(page):
    page.engine.client.submit(upload(FAST), name=MARKUP, comment="<script>document.title='owned'</script>")
    enter(page, page.engine.first_line["token"])
    page.wait_for_selector("#jobs tr:has-text('onerror')")
    assert page.title() == "ISA engine"
    assert page.complaints == []


def test_the_page_makes_text_of_everything(api):
    """What a browser shows in the tests above, seen without one."""
    script = api.get("/dashboard.js").text
    assert "textContent" in script
    for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function("):
        assert way not in script


def test_the_browser_is_told_to_run_nothing_else(api):
    policy = api.get("/").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    api.headers.pop("Authorization")
    assert [api.get(path).status_code for path in ("/", "/dashboard.js", "/v1/jobs")] == [200, 200, 401]
