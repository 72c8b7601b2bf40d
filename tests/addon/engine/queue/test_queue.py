"""The queue: what waits, what runs, and what comes back after any end; nothing here needs Blender."""

from dataclasses import replace

from isa_blender_addon.engine.jobs import JobRunner
from isa_blender_addon.engine.queue import JobQueue
from isa_blender_addon.takes.take import HERE, Take, read_take
from isa_engine.client.protocol import RESULTS
from isa_engine.shot import Settings
from tests.addon.engine.queue.artist import DENOISE, let_go
from tests.full_disk import room_for
from tests.service.running import LONG, eventually
from tests.shot.shots import small_shot


def test_jobs_go_one_by_one_in_their_order(artist, service):
    folders = [artist.generate(name, DENOISE) for name in ("a", "b", "c")]
    for number, folder in enumerate(folders):
        let_go(service, artist.until_sent(folder))
        later = [artist.job(other).state for other in folders[number + 1 :]]
        assert set(later) <= {"waiting"}
        artist.until_done(folder)
    assert artist.states() == {}
    assert not artist.queue.pending
    assert {file.name for file in folders[0].iterdir()} == {*RESULTS, "take.json"}


def test_an_engine_of_two_workers_gets_two_jobs(artist):
    artist.workers = 2
    folders = [artist.generate(name, DENOISE) for name in ("a", "b", "c")]
    for folder in folders[:2]:
        eventually(lambda folder=folder: artist.job(folder).take.job, "it is sent")
    assert artist.states()["c"] == "waiting"


def test_what_waits_can_be_put_in_another_order_and_the_order_survives(artist, service, tmp_path):
    a = artist.generate("a", DENOISE)
    b, _, d = (artist.generate(name) for name in "bcd")
    sent = artist.until_sent(a)
    artist.queue.move(d, down=False)
    artist.queue.move(d, down=False)
    artist.queue.move(d, down=False)
    artist.queue.move(b, down=True)
    artist.queue.move(b, down=True)
    assert list(artist.states()) == ["a", "d", "c", "b"], "a runs, and nothing goes before it"
    assert [job.movable for job in artist.queue.jobs()] == [False, True, True, True]
    eventually(lambda: artist.states() and artist.queue._takes.settled, "the order is kept")
    again = JobQueue()
    again.attach(again.search([tmp_path / "isa"]).result(LONG))
    assert [job.take.name for job in again.jobs()] == ["a", "d", "c", "b"]
    let_go(service, sent)
    order = []

    def all_done() -> bool:
        artist.states()
        done = [take.name for take in artist.queue.arrived() if take.name not in order]
        order.extend(done)
        return len(order) == 4

    eventually(all_done, "all are done")
    assert order == ["a", "d", "c", "b"]


def test_a_cancelled_job_frees_the_engine_and_can_be_begun_again(artist, service):
    a = artist.generate("a", DENOISE)
    b = artist.generate("b")
    first = artist.until_sent(a)
    artist.queue.cancel(a)
    artist.until_done(b)
    assert artist.job(a).state == "cancelled"
    assert service.client.job(first.job).state == "cancelled"
    artist.queue.retry(a)
    again = artist.until_sent(a)
    assert again.job != first.job
    let_go(service, again)
    assert artist.until_done(a).error == ""


def test_what_waits_is_cancelled_at_once_and_removed_with_its_files(artist):
    a, b = artist.generate("a", DENOISE), artist.generate("b")
    artist.until_sent(a)
    artist.queue.cancel(b)
    assert artist.states()["b"] == "cancelled"
    artist.queue.remove(a)
    assert a.exists(), "what runs is not removed"
    artist.queue.remove(b)
    eventually(lambda: not b.exists(), "its files are gone")
    assert list(artist.states()) == ["a"]


def test_without_an_engine_jobs_wait_and_blender_is_told_nothing_is_wrong(artist):
    artist.engine, engine = None, artist.engine
    folder = artist.generate("a")
    assert artist.states() == {"a": "waiting"}
    assert artist.queue.pending
    artist.engine = engine
    artist.until_done(folder)


def test_after_a_crash_the_next_blender_takes_up_what_the_engine_has(artist, service, tmp_path):
    a, b = artist.generate("a", DENOISE), artist.generate("b")
    sent = artist.until_sent(a)
    eventually(lambda: read_take(b), "b is on disk")
    artist.crash()

    artist.queue = JobQueue()
    artist.queue.attach(artist.queue.search([tmp_path / "isa"]).result(LONG))
    assert artist.states()["b"] == "resting", "what was never sent waits for a word"
    assert artist.until(a, "running").take.job == sent.job
    let_go(service, sent)
    artist.until_done(a)
    artist.queue.retry(b)
    artist.until_done(b)


def test_a_job_that_was_sent_twice_is_one_job(artist, service):
    """Blender ended between the sending and the note of it."""
    a = artist.generate("a", DENOISE)
    sent = artist.until_sent(a)
    artist.crash()
    artist.queue = JobQueue()
    artist.queue.attach([replace(sent, state="waiting", job="")])
    artist.queue.retry(a)
    assert artist.until_sent(a).job == sent.job
    let_go(service, sent)
    artist.until_done(a)


def test_a_plate_that_came_while_blender_was_away_is_fetched(artist, service, tmp_path):
    a = artist.generate("a", DENOISE)
    sent = artist.until_sent(a)
    artist.crash()
    let_go(service, sent)
    eventually(lambda: service.client.job(sent.job).state == "done", "the engine has it")
    artist.queue = JobQueue()
    artist.queue.attach(artist.queue.search([tmp_path / "isa"]).result(LONG))
    assert [take.name for take in (artist.until_done(a),)] == ["a"]
    assert artist.queue.arrived() == [artist.queue.take(a)]


def test_a_job_of_another_engine_is_said_to_be_there_and_can_be_given_to_this_one(artist, service):
    a = artist.generate("a", DENOISE)
    sent = artist.until_sent(a)
    artist.crash()
    service.client.cancel(sent.job)
    artist.queue = JobQueue()
    artist.queue.attach([replace(sent, engine="farm:8000")])
    assert artist.states() == {"a": "elsewhere"}
    artist.queue.retry(a)
    assert artist.until_sent(a).job != sent.job


def test_two_local_engines_are_told_apart_and_one_not_started_may_have_it(tmp_path):
    take = Take(tmp_path, "s", "", "S", (1, 2, 1), Settings(), state="sent", engine=HERE + "0", job="0" * 32)
    queue = JobQueue()
    queue.attach([take])
    states = []
    for name in (HERE, HERE + "0", HERE + "1", "gpu"):
        queue.advance(None, name, 1)
        states.append(queue.jobs()[0].state)
    assert states == ["sent", "sent", "elsewhere", "elsewhere"]


def test_a_full_disk_at_the_plates_coming_is_said_and_going_on_fetches_it(artist, service):
    a = artist.generate("a", DENOISE)
    sent = artist.until_sent(a)
    with room_for(2000):
        let_go(service, sent)
        job = artist.until(a, "failed")
    assert "Free some space" in job.snapshot.error
    assert "plate.mp4" not in {file.name for file in a.iterdir()}
    artist.queue.retry(a)
    assert artist.until_done(a).job == sent.job
    assert artist.queue.take(a).error == ""


def test_a_full_disk_at_the_very_beginning_keeps_the_shot_until_there_is_room(artist):
    with room_for(10):
        a = artist.generate("a")
        job = artist.until(a, "failed")
    assert "cannot be written" in job.snapshot.error or "Free some space" in job.snapshot.error
    artist.queue.retry(a)
    artist.until_done(a)
    assert artist.queue.trouble is None


def test_an_engine_of_another_version_gets_nothing_and_says_so(artist, monkeypatch):
    monkeypatch.setattr("isa_engine.__version__", "99.0.0")
    a = artist.generate("a")
    assert "Update the older of the two" in artist.until(a, "failed").snapshot.error
    monkeypatch.undo()
    artist.queue.retry(a)
    artist.until_done(a)


def test_a_job_that_has_failed_since_the_last_look_can_be_retried_at_once(artist, monkeypatch):
    monkeypatch.setattr("isa_engine.__version__", "99.0.0")
    a = artist.generate("a")
    eventually(lambda: artist.states() and artist.queue._runners, "it is on its way")
    (runner,) = artist.queue._runners.values()
    runner.wait()
    (job,) = artist.queue.jobs()
    assert job.state == "failed"
    monkeypatch.undo()
    artist.queue.retry(a)
    artist.until_done(a)


def test_what_was_cancelled_just_before_blender_closed_stays_cancelled(artist, service):
    a = artist.generate("a", DENOISE)
    sent = artist.until_sent(a)
    artist.queue.cancel(a)
    artist.queue.close()
    # It ends after the step that it is in.
    eventually(lambda: service.client.job(sent.job).state == "cancelled", "the engine ends it")
    assert read_take(a).state == "cancelled"
    artist.queue = JobQueue()


def test_leaving_lets_the_engine_go_on(remote, service, tmp_path):
    folder = tmp_path / "take"
    folder.mkdir()
    settings = Settings(seed=DENOISE)
    take = Take(folder, "shot", "", "Scene", (1, 9, 1), settings)
    take.keep_shot(replace(small_shot(), background=None, settings=settings))
    runner = JobRunner(remote, take.read_shot, folder, take.key)
    runner.start()
    eventually(lambda: runner.snapshot().phase == "denoise", "it runs")
    runner.leave()
    assert runner.wait(LONG).over
    job = runner.snapshot().job
    assert service.client.job(job).state == "running"
    service.client.cancel(job)
    eventually(lambda: service.client.job(job).over, "it is over")
