"""The doctor finds what is wrong and says what to do."""

import importlib.util
import shutil
import socket
from types import SimpleNamespace

import pytest

from isa_engine.cli import main
from isa_engine.commands import doctor


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


def test_a_missing_package(capsys, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "av" else name)
    code, text = said(capsys, "--port", "0")
    assert code == 1
    assert "missing: av. Run pip install" in text


@pytest.mark.parametrize(("names", "state"), [("auto", "note"), ("cuda:0", "bad")])
def test_a_gpu_that_is_not_there_is_bad_only_where_it_was_asked_for(names, state, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert [finding.state for finding in doctor.device(names)] == [state]
