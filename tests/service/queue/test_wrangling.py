"""What a render wrangler does: hold, resume, change, read the log and the history, watch the workers."""

import time

import pytest

from isa_engine.cli import main
from isa_engine.client.protocol import MAX_COMMENT, MAX_NAME, MAX_SENTENCE
from isa_engine.service.files import job_log
from isa_engine.service.operation import waiting
from isa_engine.service.operation.conditions import Conditions
from isa_engine.service.operation.waiting import Waiting
from isa_engine.service.queue.claims import MAX_BLAME, MAX_STALLS
from isa_engine.service.queue.history import History
from isa_engine.service.queue.store import JobStore
from isa_engine.service.work.worker import Worker
from tests.service.running import eventually, upload
from tests.service.stub_engine import ENDLESS, FAST, KILLED, REFUSED, generate, load_model


def ready(store: JobStore, *workers: int) -> None:
    for worker in workers:
        store.set_worker("ready", "cpu", worker)


def test_a_queued_job_waits_until_it_is_resumed(store):
    store.add("a")
    store.add("b")
    assert store.hold("a")
    assert store.status("a").state == "held"
    assert [store.claim().id, store.claim()] == ["b", None]
    assert store.resume("a")
    assert not store.resume("a")
    assert store.claim().id == "a"


def test_a_running_job_waits_after_its_step_and_goes_on_from_it(run_engine):
    engine = run_engine(STUB_PACE="0.1")
    job = engine.client.submit(upload(FAST, steps=20))
    eventually(lambda: engine.client.job(job).step > 3, "it runs")
    engine.client.hold(job)
    eventually(lambda: engine.client.job(job).state == "held", "it waits")
    other = engine.client.submit(upload(FAST))
    eventually(lambda: engine.client.job(other).state == "done", "others go on")
    assert engine.client.resume(job).state in ("queued", "running")
    eventually(lambda: engine.client.job(job).state == "done", "it is done")
    assert "put back" in (said := engine.client.log(job))
    # The second attempt begins where the first one stopped.
    assert "denoise: 20 steps, at 1\n" in said.partition("attempt 2")[0]
    assert "denoise: 20 steps, at 1\n" not in said.partition("attempt 2")[2]


@pytest.mark.parametrize("way", ["died", "released", "recovered"])
def test_a_job_that_is_to_be_held_is_held_however_its_worker_ends(store, way):
    store.add("a")
    claim = store.claim()
    store.hold("a")
    assert not store.report(claim, "denoise", 1, 2, False)
    assert store.to_be_held(claim)
    {
        "died": lambda: store.worker_died("It died."),
        "released": lambda: store.release(claim),
        "recovered": store.recover,
    }[way]()
    assert store.status("a").state == "held"
    store.resume("a")
    assert store.report(store.claim(), "denoise", 1, 2, False), "nobody asked for anything any more"


def test_what_is_held_can_be_cancelled_and_what_is_over_cannot_be_held(store):
    store.add("a")
    store.hold("a")
    store.cancel("a")
    assert store.status("a").state == "cancelled"
    assert not store.hold("a")


def test_names_and_comments_are_kept_changed_and_bounded(api):
    answer = api.post(
        "/v1/jobs", params={"name": "Sc 010 ü", "comment": "for dailies\n2"}, content=upload(FAST)
    )
    job = answer.json()["id"]
    status = api.get(f"/v1/jobs/{job}").json()
    assert (status["name"], status["comment"], status["owner"]) == ("Sc 010 ü", "for dailies\n2", "")
    changed = api.patch(f"/v1/jobs/{job}", json={"priority": 7, "comment": ""}).json()
    assert (changed["name"], changed["comment"], changed["priority"]) == ("Sc 010 ü", "", 7)
    assert api.patch(f"/v1/jobs/{job}", json={"name": "می\u200cخواهم"}).status_code == 200
    for bad in (
        "a" * (MAX_NAME + 1),
        "a\nb",
        "\x1b[2J",
        "\u202egnp.exe",
        "An\u200bna",
        "Anna\u200f",
        "\ufeff",
    ):
        assert api.patch(f"/v1/jobs/{job}", json={"name": bad}).status_code == 422
        assert api.post("/v1/jobs", params={"name": bad}, content=upload(FAST)).status_code == 422
    assert api.patch(f"/v1/jobs/{job}", json={"comment": "a" * (MAX_COMMENT + 1)}).status_code == 422
    assert api.patch(f"/v1/jobs/{job}", json={"owner": "me"}).status_code == 422
    for bad in (101, True, "1"):
        assert api.patch(f"/v1/jobs/{job}", json={"priority": bad}).status_code == 422
    longest = {"comment": "\U0001f3ac" * MAX_COMMENT}
    assert api.patch(f"/v1/jobs/{job}", json=longest).json()["comment"] == longest["comment"]


def test_another_priority_changes_the_turn(store):
    for job in ("a", "b"):
        store.add(job)
    store.change("b", priority=1)
    assert [store.claim().id, store.claim().id] == ["b", "a"]


def test_a_sentence_is_bounded_however_long_the_error_was(store):
    store.add("a")
    store.finish(store.claim(), "failed", "x" * 10**6, reason="engine")
    assert len(store.status("a").error) == MAX_SENTENCE


def test_the_history_outlives_jobs_and_has_every_ending(store):
    store.add("a", "anna", name="Sc 010")
    store.finish(store.claim(), "failed", "It burns.", reason="engine")
    store.requeue("a")
    store.finish(store.claim(), "done")
    store.delete("a")
    store.add("b", "ben")
    store.cancel("b")
    endings = History(store).page(None, 10, None)
    assert [(e.job, e.state, e.reason, e.attempt) for e in endings] == [
        ("b", "cancelled", "", 0),
        ("a", "done", "", 2),
        ("a", "failed", "engine", 1),
    ]
    assert {e.name for e in History(store).page("anna", 10, None)} == {"Sc 010"}


def test_the_history_of_others_is_not_shown_and_pages_join(api, store):
    for number in range(5):
        store.add(f"{number}", "" if number % 2 else "other")
        store.cancel(f"{number}")
    found, before = [], None
    while True:
        params = {"limit": 2, **({"before": before} if before else {})}
        page = api.get("/v1/history", params=params).json()
        found += [ending["job"] for ending in page["endings"]]
        if (before := page["before"]) is None:
            break
    assert found == ["4", "3", "2", "1", "0"], "the engine's own token is an admin's"


def test_metrics_count_endings_by_reason_and_their_seconds(api, store):
    for state, reason in (("failed", "memory"), ("failed", "memory"), ("done", "")):
        store.add(f"{state}{time.monotonic()}")
        store.finish(store.claim(), state, reason=reason)
    text = api.get("/v1/metrics").text
    assert 'isa_jobs_ended_total{reason="memory",state="failed"} 2.0' in text
    assert 'isa_job_running_seconds_count{reason="",state="done"} 1.0' in text
    assert 'isa_job_waiting_seconds_sum{reason="",state="done"}' in text


@pytest.mark.parametrize(("kind", "reason"), [(REFUSED, "refused"), (FAST, "")])
def test_why_a_job_failed_is_one_of_few_words(store, folders, kind, reason):
    store.add("a")
    (folders.uploads / "a").write_bytes(upload(kind))
    ready(store, 0)
    assert Worker(folders, load_model, generate).work()
    assert store.status("a").reason == reason


def test_a_worker_that_fails_what_others_do_gets_no_more_jobs_until_it_is_forgiven(store, api):
    ready(store, 0, 1)
    for number in range(MAX_BLAME):
        assert not store.blocked(0)
        store.add(f"{number}")
        assert store.pass_on(store.claim(0), 0)
        store.finish(store.claim(1), "done")
    assert store.blocked(0)
    assert not store.blocked(1)
    assert api.get("/v1/workers").json()[0]["blamed"] == MAX_BLAME
    assert api.post("/v1/workers/0/forgive").status_code == 200
    assert not store.blocked(0)
    assert api.post("/v1/workers/9/forgive").status_code == 404


def test_a_worker_that_is_alone_is_not_blocked_and_one_that_succeeds_is_blamed_no_more(store):
    ready(store, 0, 1)
    store.run("UPDATE workers SET blamed = ? WHERE number = 0", MAX_BLAME)
    store.set_worker("stopped", worker=1)
    assert not store.blocked(0), "better than nobody"
    store.add("a")
    store.finish(store.claim(0), "done")
    ready(store, 1)
    assert not store.blocked(0)


def test_a_blocked_worker_says_so_and_takes_nothing(store, folders):
    ready(store, 0, 1)
    store.run("UPDATE workers SET blamed = ? WHERE number = 0", MAX_BLAME)
    assert "isa-engine workers --forgive 0" in Worker(folders, load_model, generate)._hindrance()


def test_a_worker_tells_what_it_does_and_when_it_was_last_seen(run_engine, monkeypatch):
    engine = run_engine()
    began = time.time()
    job = engine.client.submit(upload(ENDLESS, steps=4))
    [worker] = eventually(
        lambda: (found := engine.client.workers()) and found[0].step == 4 and found, "it works"
    )
    assert (worker.number, worker.job, worker.phase, worker.steps) == (0, job, "denoise", 4)
    assert worker.seen > began - 60
    engine.client.cancel(job)


def test_a_job_that_waits_for_its_turn_says_so_after_its_deadline(store, monkeypatch):
    told = Waiting(store, Conditions())
    ready(store, 0)
    store.add("a")
    told.tell()
    assert store.status("a").error == ""
    monkeypatch.setattr(waiting, "TURN_SECONDS", 0)
    told.tell()
    assert "All workers are busy" in store.status("a").error
    assert store.claim().id == "a"
    assert store.status("a").error == ""


def test_a_jobs_log_is_bounded_and_a_full_disk_costs_lines_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(job_log, "MAX_BYTES", 1000)
    path = tmp_path / "log.txt"
    for _ in range(100):
        job_log.note(path, "x" * 100)
    assert 1000 <= path.stat().st_size < 1200
    job_log.note(tmp_path / "gone" / "log.txt", "nothing happens")


def test_a_jobs_log_tells_of_its_failure_and_not_where_the_engine_lies(run_engine):
    engine = run_engine()
    job = engine.client.submit(upload(REFUSED))
    eventually(lambda: engine.client.job(job).over, "it is over")
    assert "attempt 1 begins on worker 0" in (said := engine.client.log(job))
    assert "this shot is not to my taste" in said
    assert "File " not in said


def test_a_jobs_log_tells_that_its_worker_died(run_engine):
    engine = run_engine()
    job = engine.client.submit(upload(KILLED))
    eventually(lambda: engine.client.job(job).over, "it is over")
    assert engine.client.job(job).reason == "worker"
    assert engine.client.log(job).count("killed by the system") == MAX_STALLS


def test_the_commands_do_it(engine, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("ISA_ENGINE_URL", engine.url)
    monkeypatch.setenv("ISA_ENGINE_TOKEN", engine.first_line["token"])

    def said(*arguments: str) -> str:
        assert main(list(arguments)) == 0
        return capsys.readouterr().out

    (tmp_path / "sc010.npz").write_bytes(upload(ENDLESS))
    running = said("submit", str(tmp_path / "sc010.npz"), "--comment", "for dailies").strip()
    eventually(lambda: engine.client.job(running).state == "running", "it runs")
    job = said("submit", str(tmp_path / "sc010.npz"), "--name", "Sc 020").strip()
    assert said("hold", job) == "held\n"
    said("change", job, "--priority", "3", "--comment", "not before noon")
    status = engine.client.job(job)
    assert (status.name, status.priority, status.comment) == ("Sc 020", 3, "not before noon")
    assert "sc010" in said("list")
    assert said("resume", job) == "queued\n"
    assert running in said("workers")
    assert "attempt 1 begins" in said("log", running)
    for each in (job, running):
        engine.client.cancel(each)
        eventually(lambda each=each: engine.client.job(each).over, "it ends")
        engine.client.delete(each)
    assert "Sc 020" in said("list", "--ended")
    assert main(["change", job]) == 1
