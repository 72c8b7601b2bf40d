"""Progress as server-sent events: all of it, once, in order, however often the connection breaks."""

import asyncio
import contextlib
import io
import json
import threading

import requests

from isa_engine.cli import main
from isa_engine.client import EngineClient
from isa_engine.service.http.feed import Feed
from isa_engine.service.http.tokens import OWNER, Caller, Tokens
from tests.service.running import LONG, eventually, upload
from tests.service.stub_engine import ENDLESS, FAST

MAIN = Caller(OWNER, ("admin",))


def stream(engine, job: str, after: int = 0, **headers: str):
    token = engine.first_line["token"]
    return requests.get(
        f"{engine.url}/v1/jobs/{job}/events",
        headers={"Authorization": f"Bearer {token}", "Last-Event-ID": str(after), **headers},
        stream=True,
        timeout=LONG,
    )


def test_a_job_is_watched_from_its_first_change_to_its_last(engine):
    job = engine.client.submit(upload(FAST, steps=3))
    events = list(engine.client.watch(job))
    assert [event.state for event in events] == ["queued", *["running"] * (len(events) - 2), "done"]
    assert [event.step for event in events if event.phase and not event.over] == [1, 2, 3]
    numbers = [event.number for event in events]
    assert numbers == sorted(set(numbers))
    assert list(engine.client.watch(job)) == events


def test_a_stream_goes_on_after_the_last_event_that_was_seen(engine):
    job = engine.client.submit(upload(FAST, steps=3))
    events = list(engine.client.watch(job))
    for seen, event in enumerate(events):
        assert list(engine.client.watch(job, event.number)) == events[seen + 1 :]


def test_what_happens_is_told_while_it_happens(engine):
    job = engine.client.submit(upload(ENDLESS, steps=4))
    with stream(engine, job) as response:
        assert response.headers["Content-Type"].startswith("text/event-stream")
        lines = response.iter_lines(chunk_size=1)
        told = next(line for line in lines if line.startswith(b"data: ") and b'"step": 4' in line)
        assert b'"running"' in told
        engine.client.cancel(job)
        assert any(b'"cancelled"' in line for line in lines)


def test_a_stream_ends_with_its_token(engine):
    job = engine.client.submit(upload(ENDLESS, steps=4))
    data = ("--data", str(engine.data))
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        assert main(["token", "add", "anna", "--scope", "admin", *data]) == 0
    token = printed.getvalue().strip()
    with stream(engine, job, Authorization=f"Bearer {token}") as response:
        lines = response.iter_lines(chunk_size=1)
        next(line for line in lines if b'"step": 4' in line)
        assert main(["token", "revoke", token.split("_")[1], *data]) == 0
        # The lines end, though the job does not and nothing happens to it.
        assert not any(b"nothing new" in line for line in lines)
    engine.client.cancel(job)


def test_a_watcher_survives_its_engine(run_engine):
    engine = run_engine(ISA_ENGINE_TOKEN="chosen")
    job = engine.client.submit(upload(ENDLESS, steps=2))
    port = engine.url.rpartition(":")[2]
    watcher, seen = EngineClient(engine.url, "chosen"), []
    thread = threading.Thread(target=lambda: seen.extend(watcher.watch(job)))
    thread.start()
    eventually(lambda: engine.client.job(job).step == 2, "it runs")
    engine.process.kill()
    engine.process.wait()
    again = run_engine("--port", port, ISA_ENGINE_TOKEN="chosen")
    eventually(lambda: again.client.job(job).attempt == 2, "it runs again")
    again.client.cancel(job)
    thread.join(LONG)
    numbers = [event.number for event in seen]
    assert numbers == sorted(set(numbers))
    assert [event.state for event in seen].count("queued") == 2
    assert seen[-1].state == "cancelled"


def test_nonsense_for_a_last_event_begins_anew(engine):
    job = engine.client.submit(upload(FAST))
    list(engine.client.watch(job))
    for nonsense in ("x", "-5", "1e9", "9" * 30 + "x"):
        with stream(engine, job, **{"Last-Event-ID": nonsense}) as response:
            assert response.status_code == 200
            assert b'"queued"' in response.content
    with stream(engine, job, after=10**17) as response:
        assert response.content == b""


def test_a_job_that_ends_while_its_events_are_read_is_told_to_its_end(store):
    store.add("a")
    claim = store.claim()
    read = store.events

    def ending_meanwhile(after, job=None):
        found = read(after, job)
        if job:
            store.finish(claim, "done")
        return found

    store.events = ending_meanwhile

    async def told() -> list[str]:
        lines = [
            chunk.split(b"data: ")[1] async for chunk in Feed(store, Tokens(store, "x")).stream("a", 0, MAIN)
        ]
        return [json.loads(line)["state"] for line in lines]

    assert asyncio.run(asyncio.wait_for(told(), 10)) == ["queued", "running", "done"]
