"""A take on nodes of a Ray cluster is that of one device bit for bit; a node that is lost costs a step."""

import os
import signal
from contextlib import contextmanager

import pytest
import torch

from isa_engine.configuration.policies import SPARING
from isa_engine.pipeline import load_model
from isa_engine.pipeline.isa.conditioning import condition_shot
from isa_engine.pipeline.sampling import initial_noise
from isa_engine.pipeline.spread.shared_evaluation import Spread
from tests.farm.bundles import take
from tests.pipeline.spread.test_spread import STEPS, made

ray = pytest.importorskip("ray", reason="needs Ray (extra cluster)")
pytestmark = pytest.mark.slow
# 25 latents: three shares.
FRAMES = 97
PLACE = {"num_cpus": 1}


@pytest.fixture(scope="module")
def cluster():
    """A head that does no work, and three nodes of one core."""
    from ray.cluster_utils import Cluster

    # Ray's processes give way to all others by default, and on a busy machine never get to their work.
    head = {"num_cpus": 0, "include_dashboard": False, "_system_config": {"worker_niceness": 0}}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    for _ in range(3):
        cluster.add_node(**PLACE)
    ray.init(cluster.address, log_to_driver=False)
    yield cluster
    ray.shutdown()
    cluster.shutdown()


@pytest.fixture(scope="module")
def model():
    return load_model("isa-tiny", "cpu")


@pytest.fixture(scope="module")
def told(model):
    conditioning = condition_shot(take(FRAMES), model)
    return conditioning, initial_noise(tuple(conditioning.background_latents.shape), 3)


@pytest.fixture(scope="module")
def alone(model, told):
    return made(model.predict, *told, SPARING)


@contextmanager
def shared(model):
    """The model on this process and two nodes."""
    from isa_engine.pipeline.spread.nodes import companions

    with companions(model.name, 2, PLACE) as joined:
        others = joined(model.weights)
        assert len({other.name for other in others}) == 2
        yield Spread(model, others)


def test_nodes_make_the_take_of_one_device(cluster, model, told, alone):
    with shared(model) as spread:
        assert torch.equal(made(spread, *told, SPARING), alone)
        assert len(spread.workers) == 3


def test_a_node_that_hangs_costs_the_evaluation_that_it_was_in(cluster, model, told, alone, monkeypatch):
    from isa_engine.pipeline.spread import nodes

    monkeypatch.setattr(nodes, "SILENT_SECONDS", 10)
    with shared(model) as spread:
        first = spread.workers[1]
        number = ray.get(first.actor.__ray_call__.remote(lambda actor: os.getpid()))

        def watch(done, *_) -> None:
            if done == 1:
                os.kill(number, signal.SIGSTOP)

        assert torch.equal(made(spread, *told, SPARING, watch), alone)
        assert len(spread.workers) == 2
        assert first not in spread.workers


# The last one: it leaves the cluster a node short.
def test_a_node_that_is_killed_costs_the_evaluation_that_it_was_in(cluster, model, told, alone, caplog):
    with shared(model) as spread:
        lost, steps = spread.workers[2], []
        node = next(each for each in cluster.worker_nodes if lost.name == f"node {each.node_id[:8]}")

        def watch(done, *_) -> None:
            steps.append(done)
            if done == 1:
                cluster.remove_node(node, allow_graceful=False)

        assert torch.equal(made(spread, *told, SPARING, watch), alone)
        assert steps == list(range(1, STEPS + 1))
        assert len(spread.workers) == 2
    assert f"{lost.name} is lost" in caplog.text
