"""A foreign picture or video can do no more harm than to be refused."""

import contextlib
import ctypes
import importlib
import io
import itertools
import os
import socket
import subprocess
import threading
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from isa_engine.errors import ShotError
from isa_engine.results.video import write_video
from isa_engine.sandbox import check_footage, confined, decode, footage, limited, media, process


def png(width: int, height: int) -> bytes:
    pixels = np.random.default_rng(3).integers(0, 255, (height, width, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def test_pixels_come_back_as_they_are():
    encoded = png(5, 7)
    assert (decode(encoded, "a") == np.array(Image.open(io.BytesIO(encoded)))).all()


def as_jpeg(picture: Image.Image, **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, options.pop("kind", "JPEG"), **options)
    return file.getvalue()


def of_a_camera() -> bytes:
    exif = Image.Exif()
    exif[0x010F], exif[0x0112], exif[0x011A] = "Camera", 6, 72.0
    return as_jpeg(GREY, exif=exif.tobytes())


GREY = Image.new("RGB", (64, 48), (128, 128, 128))
WRITTEN = {
    "a camera's EXIF": of_a_camera,
    "EXIF that is damaged": lambda: as_jpeg(GREY, exif=b"Exif\0\0" + bytes(range(256)) * 100),
    "two pictures, of a phone": lambda: as_jpeg(GREY, kind="MPO", save_all=True, append_images=[GREY]),
    "progressive": lambda: as_jpeg(GREY, progressive=True),
    "grey": lambda: as_jpeg(GREY.convert("L")),
    "CMYK": lambda: as_jpeg(GREY.convert("CMYK")),
    "a profile": lambda: as_jpeg(GREY, icc_profile=bytes(3000)),
    "a palette": lambda: as_jpeg(GREY.quantize(), kind="PNG", transparency=3),
    "one bit": lambda: as_jpeg(GREY.convert("1"), kind="PNG"),
    "grey with alpha": lambda: as_jpeg(GREY.convert("LA"), kind="PNG", dpi=(72, 72)),
    "EXIF in a PNG": lambda: as_jpeg(GREY, kind="PNG", exif=Image.Exif().tobytes()),
}


@pytest.mark.parametrize("way", WRITTEN)
def test_pictures_are_read_in_every_way_in_which_programs_write_them(way):
    limited._stop()
    assert decode(WRITTEN[way](), "a").shape == (48, 64, 3)


@pytest.mark.parametrize("alone", ["format_whitelist", "protocol_whitelist"])
def test_a_video_opens_no_other_file(tmp_path, monkeypatch, alone):
    """Not even where nothing confines the decoder, and by each of its two lists alone."""
    monkeypatch.chdir(tmp_path)
    write_video(tmp_path / "secret.mp4", np.zeros((2, 32, 48, 3), np.uint8), Fraction(24), 1, {})
    monkeypatch.setattr(media, "_SELF_CONTAINED", {alone: media._SELF_CONTAINED[alone]})
    with pytest.raises(ShotError, match="cannot be decoded"):
        list(media.footage(b"ffconcat version 1.0\nfile secret.mp4\n", 2, (48, 32), "a"))


def test_a_refusal_keeps_its_sentence():
    with pytest.raises(ShotError, match=r"the picture is damaged \(Anna\)"):
        decode(png(5, 7)[:-30], "Anna")
    with pytest.raises(ShotError, match=r"the video cannot be decoded \(background\)"):
        next(footage(b"nothing", 1, (8, 8)))


def test_a_file_that_takes_too_much_memory_ends_its_own_process_alone(monkeypatch):
    monkeypatch.setattr(limited, "MEMORY", 2**20)
    with pytest.raises(ShotError, match=r"the file cannot be decoded within the limits \(Anna\)"):
        decode(png(900, 900), "Anna")
    monkeypatch.undo()
    before = limited._process.pid
    assert decode(png(900, 900), "Anna").shape == (900, 900, 3)
    assert limited._process.pid == before


REQUEST = {"kind": "picture", "parameters": {}, "bytes": 0, "memory": 2**28, "pictures": 1}


def in_a_limited_fork(monkeypatch, act) -> bytes:
    """What comes of a decoder that was taken over and does this."""
    monkeypatch.setitem(process._KINDS, "picture", act)
    return b"".join(process._in_a_fork(REQUEST, b""))


def pixels(content: bytes) -> np.ndarray:
    """Something that gets out, if the act before it succeeded."""
    return np.frombuffer(content, np.uint8).reshape(1, -1, 1)


def read_memory_of_the_parent(_) -> np.ndarray:
    class Part(ctypes.Structure):
        _fields_ = [("start", ctypes.c_void_p), ("length", ctypes.c_size_t)]

    taken = ctypes.create_string_buffer(16)
    here = Part(ctypes.addressof(taken), 16)
    # A fork has what its parent has, at the same place.
    there = Part(id(SECRET) + bytes.__basicsize__ - 1, 16)
    read = ctypes.CDLL(None).process_vm_readv
    if read(os.getppid(), ctypes.byref(here), 1, ctypes.byref(there), 1, 0) < 1:
        raise PermissionError
    return pixels(taken.raw)


def fork(_) -> np.ndarray:
    if os.fork() == 0:
        os._exit(0)
    return pixels(b"there are two")


def start_threads(_) -> np.ndarray:
    ended = threading.Event()
    for _ in range(64):
        threading.Thread(target=ended.wait, daemon=True).start()
    return pixels(b"there are many")


def take_memory(_) -> np.ndarray:
    return pixels(bytes(2**29)[:1])


ACTS = {
    "read a file": lambda _: pixels(Path("/etc/passwd").read_bytes()),
    "open a pipe": lambda _: (os.pipe(), pixels(b"a pipe"))[1],
    "open a socket": lambda _: (socket.socket(), pixels(b"a socket"))[1],
    "take memory": take_memory,
    "fork": fork,
    "start threads": start_threads,
    "start a program": lambda _: (subprocess.run(["true"]), pixels(b"it ran"))[1],
    "signal the parent": lambda _: (os.kill(os.getppid(), 0), pixels(b"it may"))[1],
    "read the parent's memory": read_memory_of_the_parent,
    "write to the parent's output": lambda _: (os.write(1, b""), pixels(b"written"))[1],
}
SECRET = b"".join([b"a secret of the ", b"process"])


@pytest.mark.parametrize("act", ACTS)
def test_a_decoder_that_was_taken_over_reaches_nothing(monkeypatch, act):
    assert in_a_limited_fork(monkeypatch, ACTS[act]).startswith(b'{"died"')


@pytest.mark.parametrize("act", ACTS)
def test_it_is_the_limits_that_keep_it_from_that(monkeypatch, act):
    if act == "write to the parent's output":
        pytest.skip("a fork has no such output, with or without limits")
    monkeypatch.setattr(process, "limit", lambda memory, seconds: None)
    monkeypatch.setattr(process, "confine", lambda: None)
    assert in_a_limited_fork(monkeypatch, ACTS[act]).startswith(b'{"shape"')


def ask_an_older_thread(_) -> np.ndarray:
    """What a thread may do that ran before the rights were given up."""
    asked, answered, content = threading.Event(), threading.Event(), []

    def work() -> None:
        asked.wait()
        with contextlib.suppress(OSError):
            content.append(Path("/etc/passwd").read_bytes())
        answered.set()

    threading.Thread(target=work, daemon=True).start()
    confined.confine()
    asked.set()
    answered.wait()
    return pixels(content[0])


def test_threads_that_ran_before_are_held_to_it_too(monkeypatch):
    monkeypatch.setattr(process, "limit", lambda memory, seconds: None)
    monkeypatch.setattr(process, "confine", lambda: None)
    assert in_a_limited_fork(monkeypatch, ask_an_older_thread).startswith(b'{"died"')


def as_nobody(act, limited: bool) -> bytes:
    """The same, by a user whom the limits of processes hold, and without the filter of system calls."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        # What a limited fork imports late lies where this user may not look.
        importlib.import_module("resource")
        os.setresuid(65534, 65534, 65534)
        # Or it could not read how much memory it has, and would end for that.
        ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
        process.confine = lambda: None
        if not limited:
            process.limit = lambda memory, seconds: None
        process._KINDS["picture"] = act
        os.write(writing, b"".join(process._in_a_fork(REQUEST, b"")))
        os._exit(0)
    os.close(writing)
    with open(reading, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return answer


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="another user can be tried by root alone")
@pytest.mark.parametrize("act", ["fork", "start threads"])
def test_where_there_is_no_filter_a_decoder_starts_no_processes_either(act):
    assert as_nobody(ACTS[act], limited=True).startswith(b'{"died"')
    assert as_nobody(ACTS[act], limited=False).startswith(b'{"shape"')


def matroska(codec: str, levels: tuple[int, ...], change=lambda number, content: content) -> bytes:
    """Grey frames of these levels; ``change`` sees the bytes of each packet on its way into the file."""
    movie = io.BytesIO()
    with av.open(movie, "w", format="matroska") as file:
        stream = file.add_stream(codec, rate=25)
        stream.width, stream.height = 64, 64
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        packets = []
        for level in levels:
            picture = np.full((64, 64, 3), level, np.uint8)
            packets += stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24"))
        for number, packet in enumerate([*packets, *stream.encode()]):
            changed = av.Packet(change(number, bytes(packet)))
            changed.stream, changed.time_base = packet.stream, packet.time_base
            changed.pts, changed.dts, changed.is_keyframe = packet.pts, packet.dts, packet.is_keyframe
            file.mux(changed)
    return movie.getvalue()


@pytest.mark.parametrize("codec", ["libx264", "libvpx-vp9", "libsvtav1", "mjpeg"])
def test_footage_of_every_kind_is_decoded_without_threads(codec):
    movie = matroska(codec, (0, 128, 255))
    frames = np.stack(list(footage(movie, 3, (8, 8))))
    assert np.allclose(frames.mean((1, 2, 3)), [0, 128, 255], atol=6)
    with pytest.raises(ShotError, match="the video has 3 frames and the shot 4"):
        next(footage(movie, 4, (8, 8)))
    check_footage(movie, 3, "a")
    with pytest.raises(
        ShotError, match=r"the video has 3 frames and the shot 4 \(a\)\. Use longer footage or"
    ):
        check_footage(movie, 4, "a")


def test_footage_is_as_long_as_it_is_whatever_its_header_says(tmp_path):
    write_video(tmp_path / "a.mp4", np.zeros((20, 64, 64, 3), np.uint8), Fraction(24), 1, {})
    whole = (tmp_path / "a.mp4").read_bytes()
    with av.open(io.BytesIO(whole)) as file:
        begins = [packet.pos for packet in file.demux(video=0) if packet.size]
    check_footage(whole, 20, "a")
    with pytest.raises(ShotError, match=r"the video has 12 frames and the shot 20 \(a\)"):
        check_footage(whole[: begins[12]], 20, "a")


def test_footage_whose_end_shows_nothing_is_refused_there():
    """In VP8 a bit of a packet says whether its frame is shown."""

    def hidden(number, content):
        return bytes([content[0] & 0xEF, *content[1:]]) if number > 2 else content

    movie = matroska("libvpx", (0, 128, 255, 128, 0), hidden)
    check_footage(movie, 5, "a")
    shown = footage(movie, 5, (8, 8))
    assert len([*itertools.islice(shown, 3)]) == 3
    with pytest.raises(ShotError, match=r"the video has 3 frames and the shot 5 \(background\)"):
        next(shown)


def test_of_footage_that_is_only_checked_one_frame_is_decoded_and_the_process_waits_for_more():
    movie = matroska("mjpeg", (0, 128, 255), lambda number, content: content if number < 2 else b"nothing")
    check_footage(movie, 3, "a")
    waiting = limited._process.pid
    check_footage(movie, 3, "a")
    assert limited._process.pid == waiting
    with pytest.raises(ShotError, match="the video cannot be decoded"):
        list(footage(movie, 3, (8, 8)))


def test_footage_waits_until_it_is_asked_for_and_others_are_decoded_meanwhile(tmp_path):
    levels = np.arange(20, dtype=np.uint8) * 10
    write_video(
        tmp_path / "a.mp4", np.full((20, 64, 64, 3), levels[:, None, None, None]), Fraction(24), 1, {}
    )
    frames = footage((tmp_path / "a.mp4").read_bytes(), 20, (8, 8))
    shown = [next(frames).mean() for _ in range(3)]
    assert decode(png(5, 7), "a").shape == (7, 5, 3)
    shown += [next(frames).mean()]
    assert shown == pytest.approx(levels[:4], abs=6)
    waiting = limited._process.pid
    frames.close()
    assert decode(png(5, 7), "a").shape == (7, 5, 3)
    assert limited._process.pid == waiting


def test_a_decoder_that_does_not_end_is_ended(monkeypatch):
    monkeypatch.setattr(process, "CPU_SECONDS", 1)

    def loop(_):
        # Of the processor's time, so that a busy machine changes nothing; longer than the limit.
        while time.process_time() < 4:
            pass
        return pixels(b"it was not ended")

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
        decode(b"", "a")


def test_nothing_that_a_decoder_says_is_in_our_log():
    decode(png(2, 2), "a")
    assert os.readlink(f"/proc/{limited._process.pid}/fd/2") == os.devnull


def test_the_decoding_process_knows_no_secrets(monkeypatch):
    monkeypatch.setenv("ISA_ENGINE_TOKEN", "geheim")
    limited._stop()
    decode(png(2, 2), "a")
    # Whoever is not root cannot even read it.
    with contextlib.suppress(PermissionError), open(f"/proc/{limited._process.pid}/environ", "rb") as file:
        assert b"geheim" not in file.read()
