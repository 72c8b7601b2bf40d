"""The doctor finds what is wrong and says what to do."""

import contextlib
import importlib.util
import shutil
import socket
from types import SimpleNamespace

import pytest

from isa_engine.cli import main
from isa_engine.client.protocol import Memory
from isa_engine.commands import doctor
from isa_engine.configuration import MODELS, weights
from isa_engine.service.queue.store import JobStore
from isa_engine.service.work import memory


def said(capsys, *arguments: str) -> tuple[int, str]:
    code = main(["doctor", *arguments])
    captured = capsys.readouterr()
    return code, captured.out + captured.err


def test_a_machine_that_can_serve(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(doctor, "_MEMORY_GIB", 0)
    code, text = said(capsys, "--port", "0", "--data", str(tmp_path / "not yet"))
    assert code == 0, text
    for what in ("packages", "disk", "port", "memory", "GPU", "weights of isa-tiny"):
        assert what in text


def test_a_port_in_use(capsys, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        code, text = said(capsys, "--port", str(listener.getsockname()[1]))
    assert code == 1
    assert "Stop what listens there, or use --port." in text


def test_a_full_disk(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=2**29))
    code, text = said(capsys, "--port", "0", "--data", str(tmp_path))
    assert code == 1
    assert "0.5 GiB free. Free 5 GiB, or use --data." in text


@pytest.mark.parametrize("place", ["file", "file/data"])
def test_a_data_folder_that_cannot_be_made(capsys, tmp_path, place):
    (tmp_path / "file").touch()
    code, text = said(capsys, "--port", "0", "--data", str(tmp_path / place))
    assert code == 1
    assert f"data folder {tmp_path / place}: cannot write: " in text
    assert "Choose another one with --data." in text


def test_a_missing_package(capsys, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "av" else name)
    code, text = said(capsys, "--port", "0")
    assert code == 1
    assert "missing: av. Run pip install" in text


def test_little_memory(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "machine_memory", lambda: Memory(2**30, 2**40))
    code, text = said(capsys, "--port", "0", "--data", str(tmp_path))
    assert code == 1
    assert "memory: 1.0 GiB free. Close other programs." in text


def test_missing_weights_are_a_note_with_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(weights, "WEIGHTS", tmp_path)
    findings = list(doctor.weights())
    assert [finding.state for finding in findings] == ["note"] * len(MODELS)
    assert all("weights of isa-" in finding.what and finding.remedy for finding in findings)


def test_everything_is_looked_at_even_where_something_is_bad(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=0))
    _, text = said(capsys, "--port", "0", "--data", str(tmp_path))
    for what in ("packages", "weights", "memory", "disk", "port", "GPU"):
        assert what in text


@pytest.mark.parametrize(("names", "state"), [("auto", "note"), ("cuda:0", "bad")])
def test_a_gpu_that_is_not_there_is_bad_only_where_it_was_asked_for(names, state, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert [finding.state for finding in doctor.device(names)] == [state]


def test_a_queue_that_stands_still_says_why(tmp_path):
    path = tmp_path / "queue.sqlite3"
    assert list(doctor.queue(tmp_path)) == []
    with contextlib.closing(JobStore(path)) as store:
        store.set_worker("ready", "cpu")
        assert [finding.state for finding in doctor.queue(tmp_path)] == ["good"]
        store.beat(0, "The engine's disk is full.")
        found = next(iter(doctor.queue(tmp_path)))
        assert (found.state, found.remedy) == ("bad", "The engine's disk is full.")
    path.write_bytes(b"no database" * 1000)
    [found] = doctor.queue(tmp_path)
    assert (found.state, "queue restore" in found.remedy) == ("bad", True)
