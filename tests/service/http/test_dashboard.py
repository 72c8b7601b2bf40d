"""The page at the service's root, in a real browser: what a wrangler sees and does there."""

import contextlib
import os
import shutil

import pytest

from isa_engine.cli import main
from isa_engine.client import EngineClient
from isa_engine.client.protocol import MAX_COMMENT, MAX_NAME
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


def names(page, table: str) -> list[str]:
    """The jobs of a table, from above."""
    return page.eval_on_selector_all(f"#{table} tr", "lines => lines.map(line => line.cells[1].textContent)")


def look_again(page) -> None:
    """Wait until the page has asked the engine once more and shown the answer."""
    with page.expect_response(lambda answer: "/v1/history" in answer.url):
        pass
    page.evaluate("look()")


def test_it_shows_nothing_without_a_token_and_says_so_where_it_is_wrong(page):
    assert not page.is_visible("main")
    enter(page, "wrong")
    page.wait_for_function("document.getElementById('trouble').textContent.includes('missing or wrong')")
    assert not page.is_visible("main")
    enter(page, page.engine.first_line["token"])
    page.wait_for_selector("#workers tr:has-text('ready')")
    page.click("text=Leave")
    assert not page.is_visible("main")
    assert "stub" not in page.content(), "and nothing of what was shown is left"


def test_it_shows_jobs_workers_previews_and_logs_and_obeys(page):
    engine = page.engine
    running = engine.client.submit(upload(ENDLESS, steps=4), name="Sc 010", comment="for dailies")
    failed = engine.client.submit(upload(REFUSED), name="Sc 020")
    waiting = engine.client.submit(upload(FAST), name="Sc 030")
    enter(page, engine.first_line["token"])
    page.wait_for_selector("#jobs tr:has-text('Sc 010') >> text=denoise 4/4")
    assert page.is_visible("text=for dailies")
    assert page.text_content("#count") == "1 running, 2 queued, 0 held"
    page.wait_for_selector("#workers tr:has-text('Sc 010') >> text=ready")
    page.wait_for_function("[...document.images].some(image => image.src.startsWith('blob:'))")
    page.click("#jobs tr:has-text('Sc 030') >> text=Hold")
    eventually(lambda: engine.client.job(waiting).state == "held", "it is held")
    page.once("dialog", lambda dialog: dialog.accept("42"))
    page.click("#jobs tr:has-text('Sc 030') >> text=Priority")
    eventually(lambda: engine.client.job(waiting).priority == 42, "its priority is another")
    page.click("#jobs tr:has-text('Sc 030') >> text=Resume")
    page.click("#jobs tr:has-text('Sc 030') >> text=Log")
    page.wait_for_selector("#log >> text=No worker has begun it yet")
    page.click("text=Close")
    page.click("#jobs tr:has-text('Sc 010') >> text=Log")
    page.wait_for_selector("#log >> text=attempt 1 begins")
    page.click("text=Close")
    page.once("dialog", lambda dialog: dialog.accept())
    page.click("#jobs tr:has-text('Sc 010') >> text=Cancel")
    eventually(lambda: engine.client.job(running).state == "cancelled", "it is cancelled")
    eventually(lambda: engine.client.job(failed).over and engine.client.job(waiting).over, "all are over")
    page.wait_for_selector("#endings tr:has-text('Sc 020') >> text=not to my taste")
    with page.expect_download() as plate:
        page.click("#endings tr:has-text('Sc 030') >> text=Plate")
    assert plate.value.suggested_filename == "Sc 030.mp4"
    assert plate.value.path().read_bytes().startswith(b"plate.mp4 of ")
    page.click("#endings tr:has-text('Sc 020') >> text=Requeue")
    eventually(lambda: engine.client.job(failed).attempt == 2, "it is made again")
    page.wait_for_selector("#endings tr:nth-child(2):has-text('Sc 020') >> text=refused")
    assert page.complaints == []


def test_what_runs_stands_above_what_waits_in_its_order_however_long_the_queue_is(page):
    client = page.engine.client
    client.submit(upload(ENDLESS, steps=4), name="long ago")
    for number in range(60):
        client.submit(upload(FAST), name=f"number {number}")
    client.submit(upload(FAST), name="urgent", priority=9)
    enter(page, page.engine.first_line["token"])
    page.wait_for_selector("#jobs tr:has-text('long ago') >> text=running")
    assert names(page, "jobs") == ["long ago", "urgent", *(f"number {number}" for number in range(60))]


def test_a_button_stays_where_it_is_while_the_queue_moves_and_a_mistake_can_be_taken_back(page):
    client = page.engine.client
    client.submit(upload(ENDLESS, steps=4), name="first")
    kept = client.submit(upload(FAST), name="kept")
    enter(page, page.engine.first_line["token"])
    button = page.wait_for_selector("#jobs tr:has-text('kept') >> text=Cancel")
    button.focus()
    client.submit(upload(FAST), name="sooner", priority=9)
    page.wait_for_selector("#jobs tr:has-text('sooner')")
    assert names(page, "jobs") == ["first", "sooner", "kept"]
    assert button.evaluate("button => button === document.activeElement")
    asked = []
    page.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    button.click()
    look_again(page)
    assert (asked, client.job(kept).state) == (["Cancel kept?"], "queued")


def test_a_token_that_is_no_admins_sees_its_own_jobs_and_no_workers(page, capsys):
    engine = page.engine
    engine.client.submit(upload(FAST), name="of the house")
    assert main(["token", "add", "anna", "--data", str(engine.data)]) == 0
    theirs = capsys.readouterr().out.split()[-1]
    with contextlib.closing(EngineClient(engine.url, theirs)) as anna:
        anna.submit(upload(FAST), name="of anna")
    enter(page, theirs)
    page.wait_for_selector("#endings tr:has-text('of anna') >> text=done")
    assert not page.is_visible("#house")
    assert names(page, "endings") == ["of anna"]


def test_an_engine_that_does_not_answer_is_said_and_found_again(page):
    enter(page, page.engine.first_line["token"])
    page.wait_for_selector("main:not([hidden])")
    page.context.set_offline(True)
    page.wait_for_selector("#trouble >> text=does not answer")
    assert page.get_attribute("main", "class") == "stale"
    page.context.set_offline(False)
    page.wait_for_selector("main:not(.stale)")
    assert page.text_content("#trouble") == ""


@pytest.mark.parametrize("width", [390, 1024, 1600])
def test_words_of_any_length_are_read_without_scrolling_sideways(page, width):
    client = page.engine.client
    client.submit(upload(ENDLESS, steps=4), name="n" * MAX_NAME, comment="c" * MAX_COMMENT)
    client.submit(upload(FAST), name="sc010_sh0010_" * 9)
    page.set_viewport_size({"width": width, "height": 800})
    enter(page, page.engine.first_line["token"])
    page.wait_for_selector("#jobs tr:has-text('nnn') >> text=denoise 4/4")
    page.click("#jobs tr:has-text('nnn') >> text=Log")
    page.wait_for_selector("#log >> text=attempt 1 begins")
    places = "[...document.querySelectorAll('html, #reading, td')]"
    wide = f"{places}.filter(each => each.scrollWidth > each.clientWidth + 1)"
    assert page.evaluate(f"{wide}.map(each => each.id || each.textContent.slice(0, 40))") == []


def test_a_name_is_never_markup_or_a_script(page):
    page.engine.client.submit(upload(FAST), name=MARKUP, comment="<script>document.title='owned'</script>")
    enter(page, page.engine.first_line["token"])
    page.wait_for_selector("#endings tr:has-text('onerror')")
    page.click("#endings >> text=Log")
    page.wait_for_selector("#which >> text=onerror")
    assert page.title() == "ISA engine"
    assert page.complaints == []


def test_the_page_makes_text_of_everything(api):
    """What a browser shows in the tests above, seen without one."""
    script = api.get("/dashboard.js").text
    assert "replaceChildren" in script
    for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function("):
        assert way not in script


def test_the_browser_is_told_to_run_nothing_else(api):
    policy = api.get("/").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    api.headers.pop("Authorization")
    assert [api.get(path).status_code for path in ("/", "/dashboard.js", "/v1/jobs")] == [200, 200, 401]
