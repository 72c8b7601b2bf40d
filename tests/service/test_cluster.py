"""A real Ray cluster of several nodes on this machine, behind the service itself."""

from contextlib import contextmanager

import pytest

from isa_engine.client.protocol import RESULTS
from isa_engine.pipeline import generate, load_model
from isa_engine.shot import encode_shot
from tests.farm.bundles import take
from tests.service.running import RunningEngine, eventually

pytest.importorskip("ray", reason="needs Ray (extra cluster)")
SERVE = ("-m", "isa_engine.cli", "serve")
NODE = {"num_cpus": 1, "num_gpus": 1}


@pytest.fixture
def cluster():
    """A head that takes no jobs, and one node with a GPU, as Ray believes."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "num_gpus": 0})
    yield cluster
    cluster.shutdown()


@pytest.fixture
def engine(cluster, tmp_path):
    options = ("--stop-with-stdin", "--ray", cluster.address)
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


@pytest.mark.slow
def test_a_job_whose_node_is_killed_ends_on_another_with_the_same_bytes(cluster, engine, tmp_path):
    shot = take(33, steps=60)
    client, first = engine.client, cluster.add_node(**NODE)
    job = client.submit(encode_shot(shot))

    def far() -> bool:
        status = client.job(job)
        assert status.state in ("queued", "running"), status
        return status.phase == "denoise" and status.step >= 3

    eventually(far, "the job is at its third step")
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
