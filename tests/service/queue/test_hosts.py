"""Several API hosts on one PostgreSQL, with their results on one fsspec target."""

from contextlib import closing

import psycopg
import pytest

from isa_engine.client.protocol import RESULTS
from isa_engine.errors import EngineError
from isa_engine.service.files.folders import Folders
from isa_engine.service.queue.host_number import HostNumber
from isa_engine.service.queue.store import JobStore
from tests.service.queue.test_postgres import folders, server  # noqa: F401
from tests.service.running import RunningEngine, eventually, upload
from tests.service.stub_engine import ENDLESS, FAST


@pytest.fixture
def host(folders, tmp_path):  # noqa: F811
    """Starts hosts that share the queue and the results, each with a data folder of its own."""
    hosts = []

    def start(number: int) -> RunningEngine:
        shared = ("--store", folders.queue, "--results", f"file://{tmp_path}/results")
        options = ("--stop-with-stdin", "--host-number", str(number), *shared)
        hosts.append(RunningEngine(tmp_path / f"host-{number}", *options, ISA_ENGINE_TOKEN="all"))
        return hosts[-1]

    yield start
    for engine in hosts:
        engine.end()


def done(engine: RunningEngine, job: str) -> bool:
    return engine.client.job(job).state == "done"


def test_a_job_sent_to_one_host_can_be_watched_and_fetched_at_another(host, tmp_path):
    hosts = host(0), host(1)
    jobs = [hosts[k % 2].client.submit(upload(FAST, steps=k + 1)) for k in range(6)]
    for k, job in enumerate(jobs):
        other = hosts[(k + 1) % 2]
        eventually(lambda other=other, job=job: done(other, job), "the job is done")
        # Its checksum comes with it, and the client holds the file against it.
        other.client.fetch(job, "plate.mp4", tmp_path / job)
        assert (tmp_path / job).stat().st_size > 0
    hosts[0].client.delete(jobs[0])
    assert sorted(path.name for path in (tmp_path / "results").iterdir()) == sorted(jobs[1:])


def test_a_host_that_starts_again_leaves_the_other_hosts_jobs_alone(host, folders):  # noqa: F811
    first = host(0)
    job = first.client.submit(upload(ENDLESS))
    eventually(lambda: first.client.job(job).state == "running", "the job runs")
    second = host(1)
    assert second.client.job(job).state == "running"
    with closing(JobStore(folders.queue)) as store:
        assert store.status(job).attempt == 1
    first.client.cancel(job)
    eventually(lambda: second.client.job(job).state == "cancelled", "the job ends")


def test_two_hosts_never_have_one_number(folders, server, caplog):  # noqa: F811
    """Each would put back the jobs that the other works on, as it starts."""
    first = HostNumber(folders.queue, 0)
    with pytest.raises(EngineError, match=r"another host has number 0 .*Give each host a --host-number"):
        HostNumber(folders.queue, 0, seconds=0)
    with closing(HostNumber(folders.queue, 1, seconds=0)):
        pass
    with psycopg.connect(server, autocommit=True) as direct:
        cut = (
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid = 715003"
        )
        direct.execute(cut)
        first.keep()
        with pytest.raises(EngineError, match="another host has number 0"):
            HostNumber(folders.queue, 0, seconds=0)
        direct.execute(cut)
        with closing(HostNumber(folders.queue, 0, seconds=10)):
            first.keep()
            assert "Host number 0 is another host's, too" in caplog.text
    first.keep()
    first.close()
    first.keep()
    HostNumber(folders.queue, 0, seconds=10).close()


def test_a_service_has_its_number_for_as_long_as_it_runs(host, folders):  # noqa: F811
    first = host(0)
    with pytest.raises(EngineError, match="another host has number 0"):
        HostNumber(folders.queue, 0, seconds=0)
    first.process.kill()
    first.process.wait()
    HostNumber(folders.queue, 0, seconds=30).close()


def test_results_lie_on_any_target_that_fsspec_knows(tmp_path):
    here, there = (Folders(tmp_path / name, results="memory://isa-test") for name in ("here", "there"))
    for name in RESULTS:
        path = here.results("job", 2) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"plate")
    here.keep_results("job", 2)
    brought = there.bring(there.results("job", 2) / "plate.mp4")
    assert brought.read_bytes() == b"plate"
    assert [file.name for file in brought.parent.iterdir()] == ["plate.mp4"]
    here.remove("job")
    there.remove("job")
    assert not there.bring(brought).exists()


def test_a_target_that_nothing_speaks_to_is_said(tmp_path):
    with pytest.raises(EngineError, match="results cannot lie there"):
        Folders(tmp_path, results="gopher://isa")
