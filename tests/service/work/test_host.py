"""What is the host's fault, and when it is well again."""

import errno
import os
from collections import namedtuple
from dataclasses import replace

import pytest
from safetensors import SafetensorError

from isa_engine.client.protocol import Memory
from isa_engine.errors import EngineError, ShotError
from isa_engine.service.work import host as host_module
from isa_engine.service.work.host import FULL, Host, NoMemory
from tests.service.running import shot_of_kind
from tests.service.stub_engine import FAST

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def host(tmp_path) -> Host:
    return Host(tmp_path, free=1000)


def free(monkeypatch, size: int) -> None:
    monkeypatch.setattr(host_module.shutil, "disk_usage", lambda path: Usage(10**9, 0, size))


def wrapped(cause: Exception, kind: type = EngineError) -> Exception:
    try:
        raise kind("it cannot be written") from cause
    except Exception as error:
        return error


@pytest.mark.parametrize(
    "number",
    [
        *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.EIO, errno.ENODEV),
        *(errno.ENXIO, errno.ESTALE, errno.EBUSY, errno.ENOTCONN, errno.ETIMEDOUT, errno.EPERM),
        *(errno.EFBIG, errno.EAGAIN, errno.ENOMEM, errno.EUCLEAN, errno.ENOMEDIUM, errno.EREMOTEIO),
    ],
)
def test_errors_of_the_environment_are_the_hosts_however_they_are_wrapped(host, number):
    bare = OSError(number, os.strerror(number))
    rust = SafetensorError(f"Error while serializing: I/O error: {os.strerror(number)} (os error {number})")
    for error in (bare, wrapped(bare), wrapped(wrapped(bare)), rust, wrapped(rust)):
        assert host.trouble(error).startswith(("The engine", "This machine", "A device", "Another program"))


@pytest.mark.parametrize(
    "error",
    [
        *(ZeroDivisionError(), MemoryError(), ShotError("of an odd size"), EngineError("no")),
        *(FileNotFoundError(errno.ENOENT, "no such file"), RuntimeError("shapes do not agree")),
    ],
)
def test_a_jobs_own_errors_are_its_own(host, error):
    assert host.trouble(error) == ""


def test_an_error_that_does_not_say_what_the_system_said_is_the_hosts_where_the_disk_is_ill(
    host, monkeypatch
):
    error = OSError("1000000 requested and 0 written")
    assert host.trouble(error) == ""
    free(monkeypatch, 10)
    assert host.trouble(error).startswith("The engine's disk is full")
    assert host.trouble(ShotError("of an odd size")) == ""


def test_a_folder_that_went_away_is_the_hosts_trouble_whatever_the_error_says(host, tmp_path):
    tmp_path.rmdir()
    for error in (FileNotFoundError(errno.ENOENT, "no such file"), ShotError("there is no shot")):
        assert host.trouble(error).startswith("The engine's data folder went away")


def test_a_gpu_that_went_away_needs_another_process(host):
    error = RuntimeError("CUDA error: an illegal memory access was encountered")
    assert host.trouble(error).startswith("The engine's GPU failed")
    assert host.lost_device(wrapped(error))
    assert not host.lost_device(OSError(errno.ENOSPC, "full"))


def test_a_job_that_did_not_fit_waits_for_more_room_than_it_had_taken(host, tmp_path, monkeypatch):
    free(monkeypatch, 40_000)
    assert host.hindrance(thorough=True) == ""
    (tmp_path / "job" / "results-1").mkdir(parents=True)
    (tmp_path / "job" / "results-1" / "plate.mp4").write_bytes(bytes(40_000))
    host.did_not_fit(tmp_path / "job")
    assert host.hindrance(thorough=True).startswith("The engine's disk is full")
    free(monkeypatch, 60_000)
    assert host.hindrance(thorough=True) == ""
    assert host.wanted == 1000


def test_a_shot_whose_results_find_no_room_does_not_begin(host, monkeypatch):
    shot = shot_of_kind(FAST)
    large = replace(shot, settings=replace(shot.settings, width=1024, height=1024))
    free(monkeypatch, 100_000)
    host.make_sure_of(shot)
    with pytest.raises(OSError, match="No space left"):
        host.make_sure_of(large)
    assert host.hindrance(thorough=False).startswith(FULL.removesuffix("."))


def test_a_shot_waits_for_memory_that_others_have_and_one_that_never_fits_is_refused(tmp_path):
    memory = Memory(2**20, 2**34)
    host, shot = Host(tmp_path, 0, lambda: memory), shot_of_kind(FAST)
    with pytest.raises(NoMemory, match="Other programs have the memory"):
        host.make_sure_of_memory(shot)
    assert host.trouble(wrapped(NoMemory("Other programs"))) == "Other programs"
    assert host.hindrance(thorough=False).startswith("Other programs have the memory")
    memory = Memory(2**33, 2**34)
    assert host.hindrance(thorough=False) == ""
    host.make_sure_of_memory(shot)
    huge = replace(shot, settings=replace(shot.settings, width=10**6, height=10**6))
    with pytest.raises(EngineError, match="GiB of memory, and the engine's device has 16") as refusal:
        host.make_sure_of_memory(huge)
    assert host.trouble(refusal.value) == ""


def test_a_device_that_does_not_tell_its_memory_holds_up_nobody(tmp_path):
    Host(tmp_path, 0).make_sure_of_memory(shot_of_kind(FAST))


def test_a_folder_that_cannot_be_written_is_seen_by_writing(host, tmp_path, monkeypatch):
    def refuse(*arguments, **options):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(host_module.tempfile, "NamedTemporaryFile", refuse)
    assert host.hindrance(thorough=False) == ""
    assert "only be read" in host.hindrance(thorough=True)
