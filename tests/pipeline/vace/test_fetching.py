"""Open weights are fetched by name from a server of these tests' own: pinned, checked, and gone on with."""

import base64
import os
import re

import pytest

from isa_engine import cli
from isa_engine.models import describe, names
from isa_engine.models.vace import SOURCES
from isa_engine.pipeline.open_weights import fetching
from tests.pipeline.hub import COMMIT, serving

NAME = "wan-vace-1.3b"
WEIGHTS = "transformer/diffusion_pytorch_model.safetensors"


@pytest.fixture
def hub(published, monkeypatch):
    with serving(SOURCES[NAME].repository, published) as (hub, address):
        monkeypatch.setenv("HF_ENDPOINT", address)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setattr(fetching, "_PIECE", 2**12)
        yield hub


def fetch(*options) -> int:
    return cli.main(["model", "fetch", NAME, *map(str, options)])


def weights_asked(hub) -> list[str]:
    """The ranges that were asked for of the transformer's weights."""
    return [part for method, path, part in hub.asked if method == "GET" and path.endswith(WEIGHTS)]


def test_a_place_that_cannot_be_written_is_said_before_anything_is_asked(hub, tmp_path, capsys):
    (tmp_path / "file").touch()
    assert fetch("--to", tmp_path / "file", "--accept-licence") == 1
    assert "is a file" in capsys.readouterr().err
    assert hub.asked == []


def test_nothing_but_the_licence_is_fetched_until_it_is_accepted_and_then_the_model_is_here(
    hub, published, tmp_path, capsys
):
    assert fetch("--to", tmp_path / "weights") == 1
    said = capsys.readouterr()
    assert f"commit {COMMIT}" in said.out
    assert re.search(r"licence: apache-2.0 \(README.md\); 0\.\d+ GiB in all", said.out)
    assert "--accept-licence" in said.err
    assert not list((tmp_path / "weights").rglob("*.safetensors"))
    assert NAME not in names()
    (published / "program.py").write_text("raise SystemExit")
    try:
        assert fetch("--to", tmp_path / "weights", "--accept-licence") == 0
    finally:
        (published / "program.py").unlink()
    said = capsys.readouterr().out
    told = [line for line in said.splitlines() if WEIGHTS in line and line.endswith("%")]
    shares = [int(line.rpartition(" ")[2].removesuffix("%")) for line in told]
    assert 2 < len(shares) <= 20
    assert sorted(set(shares)) == shares
    for path in (WEIGHTS, "model_index.json", "tokenizer/tokenizer.json"):
        assert (tmp_path / "weights" / path).read_bytes() == (published / path).read_bytes()
    assert not (tmp_path / "weights" / "program.py").exists()
    assert (describe(NAME).state, describe(NAME).kind) == ("here", "vace")


def test_a_fetch_that_broke_off_goes_on_where_it_was_and_with_the_same_commit(hub, published, capsys):
    size = (published / WEIGHTS).stat().st_size
    hub.breaks = size // 2
    assert fetch("--accept-licence") == 1
    (sentence,) = capsys.readouterr().err.splitlines()[-1:]
    assert "fetching broke off" in sentence
    assert "goes on where it broke off" in sentence
    assert NAME not in names()
    hub.breaks, hub.moved = None, True
    hub.asked.clear()
    assert fetch("--accept-licence") == 0
    (part,) = weights_asked(hub)
    assert part == f"bytes={size // 2 // 2**12 * 2**12}-"
    assert f"commit {COMMIT}" in capsys.readouterr().out
    hub.asked.clear()
    assert fetch("--accept-licence") == 0
    assert weights_asked(hub) == []


def test_a_file_that_is_not_what_the_repository_says_is_removed(hub, tmp_path, capsys):
    hub.damaged = WEIGHTS
    assert fetch("--to", tmp_path / "weights", "--accept-licence") == 1
    assert f"'{WEIGHTS}' has another hash" in capsys.readouterr().err
    assert not (tmp_path / "weights" / WEIGHTS).exists()
    assert NAME not in names()


def test_a_branch_is_no_revision_and_no_server_is_said(hub, tmp_path, capsys, monkeypatch):
    assert fetch("--to", tmp_path, "--revision", "v1") == 1
    assert "'v1' is no commit" in capsys.readouterr().err
    assert hub.asked == []
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert fetch("--to", tmp_path) == 1
    (sentence,) = capsys.readouterr().err.splitlines()[-1:]
    assert "Look at the connection" in sentence


def test_a_password_in_the_mirrors_address_is_sent_and_not_told(hub, tmp_path, capsys, monkeypatch):
    mirror = os.environ["HF_ENDPOINT"].replace("//", "//anna:s3cret@")
    monkeypatch.setenv("HF_ENDPOINT", mirror)
    assert fetch("--to", tmp_path, "--accept-licence") == 0
    assert hub.shown == {f"Basic {base64.b64encode(b'anna:s3cret').decode()}"}
    monkeypatch.setenv("HF_ENDPOINT", f"{mirror}/nowhere")
    assert fetch("--to", tmp_path / "other") == 1
    said = "".join(capsys.readouterr())
    assert "fetching broke off" in said
    assert "s3cret" not in said


def test_weights_that_find_no_room_are_not_begun(hub, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(fetching, "_SPARE", 2**60)
    assert fetch("--to", tmp_path, "--accept-licence") == 1
    assert "are free on the disk" in capsys.readouterr().err
    assert weights_asked(hub) == []
