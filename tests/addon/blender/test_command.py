"""How a command ends that Blender is given in a terminal."""

import os
import signal
import sys

import pytest

from isa_blender_addon.blender.command import exit_code
from isa_engine.errors import Cancelled, SceneError


def test_what_is_done_is_0_and_what_cannot_be_is_1_and_a_sentence(capsys):
    assert exit_code("isa_some", lambda _: None) == 0
    assert capsys.readouterr().err == ""

    def fails(_stop) -> None:
        raise SceneError("nobody is there", remedy="Add somebody.")

    assert exit_code("isa_some", fails) == 1
    assert capsys.readouterr().err == "isa_some: nobody is there. Add somebody.\n"


@pytest.mark.skipif(sys.platform == "win32", reason="no signal to this process that is caught")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_tells_the_work_to_end_and_is_whose_it_was_afterwards(number, capsys):
    def endless(stop) -> None:
        os.kill(os.getpid(), number)
        assert stop.wait(10)
        raise Cancelled

    before = signal.getsignal(number)
    assert exit_code("isa_some", endless) == 130
    assert capsys.readouterr().err == "isa_some: interrupted\n"
    assert signal.getsignal(number) == before
