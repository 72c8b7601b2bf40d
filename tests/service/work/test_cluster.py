"""A real Ray cluster of several nodes on this machine, behind the service itself."""

from contextlib import contextmanager

import numpy as np
import psutil
import pytest

from isa_engine.client.protocol import RESULTS
from isa_engine.configuration.policies import SPARING
from isa_engine.pipeline import generate, load_model
from isa_engine.shot import encode_shot
from tests.farm.bundles import take
from tests.service.running import RunningEngine, eventually

pytest.importorskip("ray", reason="needs Ray (extra cluster)")
# On a busy machine most of their time is waiting.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
SERVE = ("-m", "isa_engine.cli", "serve")
NODE = {"num_cpus": 1, "num_gpus": 1}


@pytest.fixture
def cluster():
    """A head that takes no jobs, and one node with a GPU, as Ray believes."""
    from ray.cluster_utils import Cluster

    # Ray's processes give way to all others by default, and on a busy machine never get to their work.
    head = {"num_cpus": 0, "num_gpus": 0, "_system_config": {"worker_niceness": 0}}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    yield cluster
    cluster.shutdown()


@pytest.fixture
def engine(cluster, tmp_path):
    with serving(cluster, tmp_path) as engine:
        yield engine


@contextmanager
def serving(cluster, tmp_path, *options: str):
    options = ("--stop-with-stdin", "--ray", cluster.address, *options)
    with (tmp_path / "log").open("w") as log:
        engine = RunningEngine(tmp_path / "data", *options, command=SERVE, stderr=log)
        yield engine
        engine.end()


@contextmanager
def one_thread():
    """As Ray gives a task of one CPU: sums over another number of threads end in other bits."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def working(task: str) -> list[psutil.Process]:
    """The processes in which Ray runs tasks of this name."""
    running = psutil.process_iter(["cmdline"])
    return [each for each in running if (each.info["cmdline"] or [""])[0].startswith(f"ray::{task}")]


def gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def far(client, job: str) -> bool:
    status = client.job(job)
    assert status.state in ("queued", "running"), status
    return status.phase == "denoise" and status.step >= 3


def test_a_job_whose_node_is_killed_ends_on_another_with_the_same_bytes(cluster, engine, tmp_path):
    shot = take(33, steps=60)
    client, first = engine.client, cluster.add_node(**NODE)
    job = client.submit(encode_shot(shot))
    eventually(lambda: far(client, job), "the job is at its third step")
    cluster.remove_node(first, allow_graceful=False)
    for _ in range(2):
        cluster.add_node(**NODE)
    eventually(lambda: client.job(job).state not in ("queued", "running"), "the job ends", 200)
    status = client.job(job)
    assert status.state == "done", status.error
    for name in RESULTS:
        client.fetch(job, name, tmp_path / name)
    with one_thread():
        generate(shot, load_model("isa-tiny"), tmp_path / "twin", lambda progress: None, made=status.created)
    for name in ("plate.mp4", "matte.mp4", "shot.npz"):
        assert (tmp_path / name).read_bytes() == (tmp_path / "twin" / name).read_bytes()
    assert "a node was lost after step" in (tmp_path / "log").read_text()


def test_a_job_whose_process_hangs_is_led_on_elsewhere_from_its_last_step(cluster, engine, tmp_path):
    client = engine.client
    for _ in range(2):
        cluster.add_node(**NODE)
    job = client.submit(encode_shot(take(9, steps=60)))
    eventually(lambda: far(client, job), "the job is at its third step", 250)
    [leader] = working("denoise")
    leader.suspend()
    # It is given up two minutes later.
    eventually(lambda: client.job(job).state not in ("queued", "running"), "the job ends", 400)
    status = client.job(job)
    assert status.state == "done", status.error
    assert gone(leader)
    assert "a node was lost after step" in (tmp_path / "log").read_text()
    steps = [event.step for event in client.watch(job) if event.phase == "denoise"]
    assert steps == sorted(steps)


def test_a_span_whose_decoder_hangs_is_decoded_elsewhere_and_the_steps_are_not_lost(
    cluster, engine, tmp_path
):
    client = engine.client
    for _ in range(2):
        cluster.add_node(**NODE)
    # Two spans: the second node begins with loading the model.
    job = client.submit(encode_shot(take(121, steps=2)))
    eventually(lambda: client.job(job).phase == "decode" and working("decode"), "a span is decoded", 250)
    hanging = working("decode")[-1]
    hanging.suspend()
    eventually(lambda: client.job(job).state not in ("queued", "running"), "the job ends", 400)
    status = client.job(job)
    assert status.state == "done", status.error
    assert status.attempt == 1
    eventually(lambda: gone(hanging), "what hung is ended", 60)
    assert "a node that decoded was lost: Silent" in (tmp_path / "log").read_text()
    assert len([event for event in client.watch(job) if event.phase == "denoise" and event.step == 2]) == 1


@pytest.mark.parametrize("leads", [False, True])
def test_nodes_that_are_joined_share_a_job_and_one_that_is_killed_costs_a_step(cluster, leads, tmp_path):
    # 25 latents: three shares.
    shot, nodes = take(97, steps=12, policy=SPARING), [cluster.add_node(**NODE) for _ in range(3)]
    with serving(cluster, tmp_path, "--devices", "a+b+c") as engine:
        client = engine.client
        job = client.submit(encode_shot(shot))
        eventually(lambda: far(client, job), "the job is at its third step", 250)
        [shared] = sharing(client, job)
        helping = [node for node in nodes if node.node_id[:8] in shared]
        assert len(helping) == 2
        [lost] = set(nodes) - set(helping) if leads else helping[1:]
        cluster.remove_node(lost, allow_graceful=False)
        eventually(lambda: client.job(job).state not in ("queued", "running"), "the job ends", 250)
        status, log = client.job(job), client.log(job)
        assert status.state == "done", status.error
        if leads:
            # Whoever leads then has the other one, and goes on from the last step.
            [again] = sharing(client, job)[1:]
            assert [node.node_id[:8] in again for node in helping].count(True) == 1
        assert (f"node {lost.node_id[:8]} is lost" in log) is not leads
        assert ("a node was lost after step" in (tmp_path / "log").read_text()) is leads
        steps = [event.step for event in client.watch(job) if event.phase == "denoise"]
        assert steps == sorted(steps)
        client.fetch(job, "latents.npy", tmp_path / "latents.npy")
    with one_thread():
        generate(shot, load_model("isa-tiny"), tmp_path / "twin", lambda progress: None)
    found, alone = (np.load(folder / "latents.npy") for folder in (tmp_path, tmp_path / "twin"))
    assert np.array_equal(found, alone)


def sharing(client, job: str) -> list[str]:
    """The lines of a job's log that say who shares it."""
    return [line for line in client.log(job).splitlines() if "the take is shared with" in line]
