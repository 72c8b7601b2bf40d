"""The unit and the container file start the engine that there is, and keep it in its place."""

import argparse
import configparser
import json
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from isa_engine.commands import serve
from isa_engine.service.operation.configuration import ServiceConfig

ROOT = Path(__file__).parents[3]
UNIT = ROOT / "install/service/isa-engine.service"
CONTAINERFILE = ROOT / "install/service/Containerfile"


def parsed(words: list[str]) -> argparse.Namespace:
    """A command line of ``isa-engine serve``, as the engine reads it."""
    assert (Path(words[0]).name, words[1]) == ("isa-engine", "serve")
    parser = argparse.ArgumentParser()
    serve.add_arguments(parser)
    return parser.parse_args(words[2:])


def instructions() -> list[tuple[str, str]]:
    text = CONTAINERFILE.read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [tuple(line.split(maxsplit=1)) for line in lines]


def unit() -> configparser.ConfigParser:
    found = configparser.ConfigParser(interpolation=None)
    found.optionxform = str
    found.read_string(UNIT.read_text())
    return found


def test_the_unit_is_started_again_for_as_long_as_a_full_disk_stops_it():
    assert unit()["Service"]["Restart"] == "on-failure"
    # systemd would give up after five starts in ten seconds.
    assert unit()["Unit"]["StartLimitIntervalSec"] == "0"
    assert int(unit()["Service"]["RestartSec"]) >= 5


def test_the_unit_keeps_its_data_where_it_may_write_and_has_time_to_drain():
    service = unit()["Service"]
    assert parsed(shlex.split(service["ExecStart"])).data == Path("/var/lib", service["StateDirectory"])
    assert float(service["TimeoutStopSec"]) > ServiceConfig().drain_seconds
    wanted = {
        **{"DynamicUser": "yes", "StateDirectoryMode": "0700", "UMask": "0077", "NoNewPrivileges": "yes"},
        **{"ProtectSystem": "strict", "ProtectHome": "yes", "PrivateTmp": "yes", "LimitCORE": "0"},
        **{"CapabilityBoundingSet": "", "SystemCallFilter": "@system-service"},
    }
    assert {name: service.get(name) for name in wanted} == wanted


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_finds_nothing_wrong_with_the_unit_and_little_exposed(tmp_path):
    installed = tmp_path / UNIT.name
    program = shlex.split(unit()["Service"]["ExecStart"])[0]
    installed.write_text(UNIT.read_text().replace(program, "/bin/true"))
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", installed], capture_output=True, text=True
    )
    said = [line for line in verified.stderr.splitlines() if UNIT.name in line]
    assert (verified.returncode, said) == (0, [])
    # Of 100, in tenths; what counts is mostly the network, which it is there for, and the GPU.
    security = ["systemd-analyze", "security", "--offline=true", "--threshold=20", installed]
    done = subprocess.run(security, capture_output=True, text=True)
    if "unrecognized option" in done.stderr:
        pytest.skip("this systemd-analyze cannot look at a unit that is not loaded")
    assert done.returncode == 0, done.stdout[-300:] + done.stderr


def test_the_container_runs_what_it_copies_as_nobody_special():
    found = instructions()
    order = [name for name, _ in found]
    assert order[0] == "FROM"
    assert order.index("USER") < order.index("ENTRYPOINT")
    given = dict(found)
    assert given["USER"] not in ("root", "0")
    arguments = parsed(json.loads(given["ENTRYPOINT"]))
    assert arguments.data == Path(given["VOLUME"])
    assert int(given["EXPOSE"]) == ServiceConfig().port
    for name, value in found:
        if name == "COPY":
            for source in value.split()[:-1]:
                assert (ROOT / source).exists(), source


def test_the_container_installs_extras_that_there_are():
    (pip,) = (value for name, value in instructions() if name == "RUN" and "pip install" in value)
    extras = re.search(r"\.\[([\w,]+)\]", pip)[1].split(",")
    known = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert "engine" in extras
    assert set(extras) <= set(known)
