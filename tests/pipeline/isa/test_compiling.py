"""A model whose blocks are compiled where that can be, and what is said where it cannot."""

import dataclasses
import logging
from types import SimpleNamespace

import pytest
import torch

from isa_engine.errors import EngineError
from isa_engine.networks.compiling import why_not
from isa_engine.pipeline.isa import painter
from isa_engine.pipeline.painter import load_model
from isa_engine.pipeline.resume import LatentsFile
from isa_engine.pipeline.spread.devices import Device
from isa_engine.service.operation.configuration import ServiceConfig, read_config
from isa_engine.service.work.supervisor import Supervisor
from tests.dit.small_models import inputs
from tests.pipeline.shots import MICRO, speaking


@pytest.fixture
def tried(monkeypatch):
    """A machine on which compiling works; which modules are compiled, and not what of them."""
    found = []
    monkeypatch.setattr(painter, "why_not", lambda device: "")
    monkeypatch.setattr(torch.nn.Module, "compile", lambda self, **how: found.append(self))
    return found


def test_compiled_blocks_are_in_the_record_and_nothing_else_changes(tried):
    model = speaking(MICRO)
    compiled = painter.compiled(model)
    assert {*model.dit.transformer_blocks} <= {*tried}
    assert compiled.told() == {**model.told(), "compiled": True}
    assert dataclasses.replace(compiled, compiled=False) == model


def test_latents_of_a_model_that_was_not_compiled_are_not_gone_on_from(tried, tmp_path):
    class Kept:
        path, saved = tmp_path / "latents", staticmethod(lambda step: None)

    model = speaking(MICRO)
    keys = {LatentsFile(Kept, "hash", each, 3).key for each in (model, painter.compiled(model), model)}
    assert len(keys) == 2


def test_without_a_compiler_it_runs_as_it_is_and_one_sentence_says_why(monkeypatch, caplog):
    def compile(function):
        raise RuntimeError("No working C++ compiler found in nowhere\nand more")

    monkeypatch.setattr(torch, "compile", compile)
    assert why_not(torch.device("cpu")) == "No working C++ compiler found in nowhere"
    with caplog.at_level(logging.WARNING):
        model = load_model("isa-tiny", "cpu", compiled=True)
    assert not model.compiled
    assert caplog.messages == ["'isa-tiny' is not compiled: No working C++ compiler found in nowhere"]


@pytest.mark.parametrize("change", [{"offloaded": ("dit",)}, {"others": ()}])
def test_what_is_spread_or_offloaded_is_not_compiled(tried, change, caplog):
    model = speaking(MICRO)
    change = {"others": (Device(model),)} if "others" in change else change
    assert not painter.compiled(dataclasses.replace(model, **change)).compiled
    assert tried == []
    assert len(caplog.messages) == 1


@pytest.mark.parametrize("asked", [True, False])
def test_workers_are_told_to_compile_if_the_service_is(asked, tmp_path):
    folders = SimpleNamespace(root=tmp_path)
    supervisor = Supervisor(None, folders, ("worker",), ServiceConfig(compile=asked))
    assert ("--compile" in supervisor.command) == asked


def test_nodes_of_a_cluster_do_not_compile():
    assert read_config(None, {}, compile=True).compile
    with pytest.raises(EngineError, match="do not compile"):
        read_config(None, {"ISA_ENGINE_COMPILE": "yes"}, ray="auto")


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_compiled_is_eager_to_rounding():
    model = speaking(MICRO)
    assert why_not(model.device) == ""
    given = inputs(MICRO.dit, batch=1, latents=3, height=4, width=4)
    with torch.inference_mode():
        eager = model.predict(*given).velocity
        compiled = painter.compiled(model).predict(*given).velocity
    torch._dynamo.reset()
    assert not torch.equal(compiled, torch.zeros_like(compiled))
    torch.testing.assert_close(compiled, eager, atol=1e-4, rtol=1e-4)
