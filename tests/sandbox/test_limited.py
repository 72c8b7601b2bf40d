"""A foreign picture or video can do no more harm than to be refused."""

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from isa_engine.errors import ShotError
from isa_engine.sandbox import decode, limited, process


def png(width: int, height: int) -> bytes:
    pixels = np.random.default_rng(3).integers(0, 255, (height, width, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def test_pixels_come_back_as_they_are():
    encoded = png(5, 7)
    assert (decode("picture", encoded, where="a") == np.array(Image.open(io.BytesIO(encoded)))).all()


def test_a_refusal_keeps_its_sentence():
    with pytest.raises(ShotError, match="Anna: the picture is damaged"):
        decode("picture", png(5, 7)[:-30], where="Anna")
    with pytest.raises(ShotError, match="background: the video cannot be decoded"):
        decode("footage", b"nothing", frames=1, size=(8, 8))


def test_a_file_that_takes_too_much_memory_ends_its_own_process_alone(monkeypatch):
    monkeypatch.setattr(limited, "MEMORY", 2**20)
    with pytest.raises(ShotError, match="Anna: the file cannot be decoded within the limits"):
        decode("picture", png(900, 900), where="Anna")
    monkeypatch.undo()
    before = limited._process.pid
    assert decode("picture", png(900, 900), where="Anna").shape == (900, 900, 3)
    assert limited._process.pid == before


def in_a_limited_fork(monkeypatch, act) -> bytes:
    """What comes of a decoder that was taken over and does this."""
    monkeypatch.setitem(process._KINDS, "picture", act)
    request = {"kind": "picture", "parameters": {}, "bytes": 0, "memory": 2**28}
    return process._in_a_fork(request, b"")


@pytest.mark.parametrize(
    "act",
    [
        lambda _: Path("/etc/hostname").read_text(),
        lambda _: os.pipe(),
        lambda _: __import__("socket").socket(),
        lambda _: bytearray(2**29),
        lambda _: os.kill(os.getpid(), 9),
    ],
    ids=["read a file", "open a pipe", "open a socket", "take memory", "die"],
)
def test_a_decoder_that_was_taken_over_reaches_nothing(monkeypatch, act):
    assert in_a_limited_fork(monkeypatch, act).startswith(b'{"died"')


def test_a_decoder_that_does_not_end_is_ended(monkeypatch):
    monkeypatch.setattr(process, "CPU_SECONDS", 1)

    def loop(_):
        while True:
            pass

    assert in_a_limited_fork(monkeypatch, loop).startswith(b'{"died"')


@pytest.mark.parametrize(
    "answer",
    [b'{"shape": [1, 1, 4]}\n', b'{"shape": [99999, 99999, 3]}\n', b'{"shape": [-1, -1, 3]}\n', b"x\n", b""],
)
def test_what_a_decoder_says_is_not_believed(monkeypatch, answer):
    class Liar:
        stdin, stdout = io.BytesIO(), io.BytesIO(answer + bytes(100))

        def poll(self):
            return None

        def kill(self):
            pass

        wait = kill

    monkeypatch.setattr(limited, "_process", Liar())
    with pytest.raises(ShotError, match="cannot be decoded within the limits"):
        decode("picture", b"", where="a")


def test_the_decoding_process_knows_no_secrets(monkeypatch):
    monkeypatch.setenv("ISA_ENGINE_TOKEN", "geheim")
    limited._stop()
    decode("picture", png(2, 2), where="a")
    with open(f"/proc/{limited._process.pid}/environ", "rb") as file:
        assert b"geheim" not in file.read()
