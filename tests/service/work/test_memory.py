"""The memory that the engine tells of, so that a client can say beforehand what does not fit."""

import json
from dataclasses import asdict

import pytest

from isa_engine.client.protocol import Memory
from isa_engine.service.work import memory as memory_module
from isa_engine.service.work.memory import device_memory, machine_memory
from tests.service.client.test_client import HEALTH, answering


def test_a_cpus_memory_is_the_machines(monkeypatch, tmp_path):
    (tmp_path / "meminfo").write_text(
        "MemTotal:       8000000 kB\nMemFree:         1000 kB\nMemAvailable:    5000000 kB\n"
    )
    monkeypatch.setattr(memory_module, "_MEMINFO", tmp_path / "meminfo")
    assert device_memory("cpu") == machine_memory() == Memory(5_000_000 * 1024, 8_000_000 * 1024)


def test_what_torch_keeps_on_a_gpu_is_free_for_the_next_job(monkeypatch):
    torch = pytest.importorskip("torch")
    asked = []
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: asked.append(device) or (10, 100))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 60)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 25)
    assert device_memory("cuda:1") == Memory(45, 100)
    assert asked == ["cuda:1"]


def test_memory_that_nobody_knows_is_none(monkeypatch, tmp_path):
    monkeypatch.setattr(memory_module, "_MEMINFO", tmp_path / "nothing")
    assert device_memory("cpu") is None
    assert device_memory("ray") is None


@pytest.mark.parametrize("memory", [None, Memory(5, 8)])
def test_the_client_reads_it(memory):
    told = {**HEALTH, "memory": memory and asdict(memory)}
    with answering(content=json.dumps(told).encode()) as client:
        assert client.health().memory == memory
