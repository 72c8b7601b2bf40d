"""Blocks are skipped where the first one says so: the same answer to the same question, resumed to the same
bytes."""

import shutil
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from diffusers.hooks import (
    FasterCacheConfig,
    FirstBlockCacheConfig,
    MagCacheConfig,
    PyramidAttentionBroadcastConfig,
    TaylorSeerCacheConfig,
    group_offloading,
)

from isa_engine import cli
from isa_engine.configuration.policies import EXACT, FORECAST, SPARING
from isa_engine.errors import Cancelled
from isa_engine.models import describe, room, vace
from isa_engine.pipeline import load_model
from isa_engine.pipeline.generation import denoise
from isa_engine.pipeline.vace import placing
from isa_engine.pipeline.vace.cache import FirstBlockCache
from tests.pipeline.vace.test_passes import crowd, parts_of
from tests.pipeline.vace.test_vace import shot_of_people, silent

THRESHOLD = 0.1
BRANCHES = "said", "unsaid"


@pytest.fixture
def cached(published, capsys):
    """A model that was added with a cache."""
    options = "--name", "cached", "--accept-licence", "--cache", str(THRESHOLD)
    assert cli.main(["model", "add", str(published), *options]) == 0
    return load_model("cached", "cpu")


@pytest.fixture
def network(model):
    """One branch's answer to one question, always the same."""
    torch.manual_seed(0)
    asked = {
        "hidden_states": torch.randn(1, 16, 2, 4, 4),
        "control_hidden_states": torch.randn(1, 96, 2, 4, 4),
        "timestep": torch.tensor([500.0]),
    }
    words = {branch: torch.randn(1, 6, 32) for branch in BRANCHES}

    @torch.inference_mode()
    def ask(latents, time, branch):
        with model.transformer.cache_context(branch):
            return model.transformer(**asked, encoder_hidden_states=words[branch], return_dict=False)[0]

    return ask


@contextmanager
def enabled(transformer, config):
    transformer.enable_cache(config)
    try:
        yield
    finally:
        transformer.disable_cache()


def off(found, whole) -> float:
    """How far answers are from what they should be, as a share of these."""
    return float((found - whole).norm() / whole.norm())


@contextmanager
def counted(transformer):
    """How often each kind of block runs."""
    ran = {"main": 0, "control": 0}

    def count(kind):
        return lambda *_: ran.update({kind: ran[kind] + 1})

    # The second main block: the first one always runs.
    handles = [transformer.vace_blocks[0].register_forward_hook(count("control"))]
    attention = transformer.blocks[1].attn1
    handles.append(attention.register_forward_hook(count("main")))
    yield ran
    for handle in handles:
        handle.remove()


def test_to_the_same_question_the_answer_is_the_same_and_most_blocks_do_not_run(model, network):
    whole = {branch: network(None, None, branch) for branch in BRANCHES}
    assert off(whole["said"], whole["unsaid"]) > 0.01
    memory = {}
    cache = FirstBlockCache(network, model.transformer, THRESHOLD, memory)
    latents, time = torch.zeros(1), torch.zeros(())
    with counted(model.transformer) as ran:
        for _ in range(3):
            for branch in BRANCHES:
                # What was subtracted is added again, which rounds.
                assert off(cache(latents, time, branch), whole[branch]) < 1e-6
    assert ran == {"main": 2, "control": 6}
    assert memory.keys() == {f"cache.{branch}.{what}" for branch in BRANCHES for what in ("latents", "time")}
    cache.forget()
    with counted(model.transformer) as ran:
        assert torch.equal(network(None, None, "said"), whole["said"])
    assert ran == {"main": 1, "control": 1}


@pytest.mark.parametrize(
    ("config", "answers"),
    [
        (FirstBlockCacheConfig(1e9), (0.32, 0.36)),
        (
            MagCacheConfig(1e9, retention_ratio=0.0, num_inference_steps=9, mag_ratios=[1.0] * 9),
            (0.32, 0.36),
        ),
    ],
)
def test_diffusers_own_hooks_alone_count_hints_twice(model, network, config, answers):
    """Where nothing is off any more, diffusers has mended it, and hints need not be moved into blocks."""
    whole = network(None, None, "said")
    with enabled(model.transformer, config):
        assert torch.equal(network(None, None, "said"), whole)
        assert answers[0] < off(network(None, None, "said"), whole) < answers[1]


def test_other_caches_of_diffusers_do_nothing_mix_branches_or_do_not_run(model, network):
    """If this fails, a newer diffusers has more caches for this network."""
    whole = {branch: network(None, None, branch) for branch in BRANCHES}
    with enabled(model.transformer, TaylorSeerCacheConfig()):
        assert not any(hasattr(block.attn1, "_diffusers_hook") for block in model.transformer.blocks)
    always = {"spatial_attention_block_skip_range": 9, "current_timestep_callback": lambda: 500}
    with enabled(model.transformer, PyramidAttentionBroadcastConfig(**always)):
        assert torch.equal(network(None, None, "said"), whole["said"])
        # It attends as the other branch did.
        assert off(network(None, None, "unsaid"), whole["unsaid"]) > 0.005
    with (
        enabled(model.transformer, FasterCacheConfig(**always, tensor_format="BCFHW")),
        pytest.raises(IndexError),
    ):
        network(None, None, "said")
    assert torch.equal(network(None, None, "said"), whole["said"])


def taken(shot, model, path, report=silent):
    """Its latents, and the steps that were saved."""
    saved = []
    kept = SimpleNamespace(path=path, saved=saved.append)
    return denoise(shot, "hash", model, report, kept), saved


def resumes(shot, model, place, total, stops):
    """That a take goes on to the same latents after each of these steps; the blocks that ran in the whole."""
    kept = SimpleNamespace(path=place / "kept")
    kept.saved = lambda step: shutil.copy(kept.path, place / str(step))
    with counted(model.transformer) as ran:
        whole = denoise(shot, "hash", model, silent, kept)
    assert torch.isfinite(whole).all()
    for stop in stops:
        again, saved = taken(shot, model, place / str(stop))
        assert saved == [*range(stop + 1, total + 1)]
        assert torch.equal(again, whole), stop
    return ran


@pytest.mark.parametrize(("policy", "cuts"), [(EXACT, ()), (FORECAST, ()), (SPARING, ()), (EXACT, (2,))])
def test_it_goes_on_from_any_step_to_the_same_latents(cached, tmp_path, policy, cuts):
    steps = 5 if cuts else 8
    shot = shot_of_people("cached", steps=steps, policy=policy, cuts=cuts)
    total = steps * len(shot.segments)
    ran = resumes(shot, cached, tmp_path, total, range(1, total))
    assert 0 < ran["main"] < ran["control"]


def test_passes_and_context_windows_go_on_from_any_step_to_the_same_latents(cached, tmp_path, monkeypatch):
    monkeypatch.setattr(vace, "CONTEXT_WINDOW", 2)
    monkeypatch.setattr(vace, "KNOWN", 1)
    shot, steps = crowd("cached"), 4
    shot = replace(shot, settings=replace(shot.settings, steps=steps))
    total = steps * len(parts_of(shot, cached))
    ran = resumes(shot, cached, tmp_path, total, range(1, total, 5))
    assert 0 < ran["main"] < ran["control"]


def test_nothing_stays_of_a_take_or_of_one_that_was_cancelled(cached, tmp_path):
    shot = shot_of_people("cached", steps=6)
    whole, _ = taken(shot, cached, tmp_path / "whole")
    hooked = [module for module in cached.transformer.modules() if hasattr(module, "_diffusers_hook")]
    assert hooked
    assert not any(module._diffusers_hook.hooks for module in hooked)

    def stop(progress):
        if (progress.phase, progress.step) == ("denoise", 3):
            raise Cancelled

    other = replace(shot, settings=replace(shot.settings, seed=8))
    with pytest.raises(Cancelled):
        taken(other, cached, tmp_path / "other", stop)
    assert torch.equal(taken(shot, cached, tmp_path / "again")[0], whole)


def test_what_is_offloaded_skips_the_same_blocks(cached, monkeypatch):
    shot = shot_of_people("cached", steps=6)
    with counted(cached.transformer) as ran:
        whole = denoise(shot, "hash", cached, silent)
    described = describe("cached")
    way = described.ways(room.longest_work(described), "cuda")[2]
    monkeypatch.setattr(placing, "way", lambda *_: way)
    offloaded = load_model("cached", "cpu")
    with counted(offloaded.transformer) as skipped:
        assert torch.equal(denoise(shot, "hash", offloaded, silent), whole)
    assert skipped == ran


class Stream:
    """What a GPU's would be, where all is done at once."""

    def synchronize(self):
        pass


def test_where_blocks_are_fetched_ahead_they_are_skipped_to_the_same_answer(model, network, monkeypatch):
    """As ``placing`` offloads on a GPU, with a stream that does nothing."""
    group, here = group_offloading.ModuleGroup, torch.device("cpu")
    monkeypatch.setattr(group, "_pinned_memory_tensors", lambda group: nullcontext(group.cpu_param_dict))
    device = SimpleNamespace(stream=lambda stream: nullcontext(), current_stream=Stream)
    monkeypatch.setattr(
        group, "_torch_accelerator_module", property(lambda _: device, lambda *_: None), raising=False
    )
    whole = {branch: network(None, None, branch) for branch in BRANCHES}
    config = group_offloading.GroupOffloadingConfig(
        onload_device=here,
        offload_device=here,
        offload_type="block_level",
        num_blocks_per_group=1,
        non_blocking=True,
        record_stream=False,
        low_cpu_mem_usage=True,
        stream=Stream(),
    )
    group_offloading._apply_group_offloading(model.transformer, config)
    for _ in range(2):
        cache = FirstBlockCache(network, model.transformer, THRESHOLD, {})
        with counted(model.transformer) as ran:
            for _ in range(3):
                for branch in BRANCHES:
                    assert off(cache(torch.zeros(1), torch.zeros(()), branch), whole[branch]) < 1e-6
        assert ran == {"main": 2, "control": 6}
        cache.forget()
    assert torch.equal(network(None, None, "said"), whole["said"])


def test_it_is_recorded_and_its_memory_told(cached, model, published, capsys):
    assert cached.told()["run"]["first_block_cache"] == THRESHOLD
    assert cached.weights != model.weights
    with_it, without = describe("cached"), describe(model.name)
    work = room.longest_work(with_it)
    tokens = with_it.tokens(work)["video and references"]
    kept = 2 * 3 * 2 * tokens * with_it.shape.width
    assert with_it.memory_beside(work) - without.memory_beside(work) == kept
    assert vace.told("cached", with_it.facts()) == with_it
    assert with_it.operations(work) == without.operations(work)
    capsys.readouterr()
    options = "--name", "other", "--accept-licence", "--cache", "1.5"
    assert cli.main(["model", "add", str(published), *options]) == 1
    assert "1.5 is no threshold of a cache" in capsys.readouterr().err
