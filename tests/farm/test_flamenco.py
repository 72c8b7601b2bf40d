"""The Flamenco job type, compiled as the manager compiles it."""

import json
from pathlib import Path

import pytest

from isa_engine.farm.flamenco import submission
from isa_engine.farm.job import write_bundle
from isa_engine.farm.openjd import template
from tests.farm.bundles import take

quickjs = pytest.importorskip("quickjs", reason="needs quickjs (extra development)")
SCRIPT = Path(__file__).parents[2] / "install/farm/isa_takes.js"
# What of the manager's runtime a job type sees.
MANAGER = """
const author = {
    Task: (name, type) => ({
        name, type, commands: [], after: [],
        addCommand(command) { this.commands.push(command); },
        addDependency(task) { this.after.push(task.name); },
    }),
    Command: (name, parameters) => ({ name, parameters }),
};
const tasks = [];
"""


@pytest.fixture
def bundle(tmp_path):
    shots = [("one", take(33)), ("two", take(5))]
    return write_bundle(shots, tmp_path, "linux", span=16, untrained=False)


@pytest.fixture
def manager():
    context = quickjs.Context()
    context.eval(MANAGER + SCRIPT.read_text())
    return context


def compiled(manager, submitted: dict) -> dict[str, dict]:
    job = json.dumps({"settings": submitted["settings"]})
    manager.eval(f"compileJob({{...{job}, addTask(task) {{ tasks.push(task); }}}})")
    return {task["name"]: task for task in json.loads(manager.eval("JSON.stringify(tasks)"))}


def openjd_commands(bundle) -> list[list[str]]:
    """Of the bundle's template, its tasks' commands, without the session that Flamenco does not have."""
    counts = {"Take": len(bundle.job.takes), "Span": len(bundle.job.spans)}
    commands = []
    for step in template(bundle, 0)["steps"]:
        (parameter,) = step["parameterSpace"]["taskParameterDefinitions"]
        run = step["script"]["actions"]["onRun"]
        for number in range(counts[parameter["name"]]):
            values = {
                "{{Param.Engine}}": "isa-engine",
                "{{Param.JobFolder}}": str(bundle.folder),
                f"{{{{Task.Param.{parameter['name']}}}}}": str(number),
            }
            words = [values.get(word, word) for word in (run["command"], *run["args"])]
            commands.append(words[: words.index("--session")] if "--session" in words else words)
    return commands


def test_its_commands_are_those_of_the_openjd_template(manager, bundle):
    commands = []
    for task in compiled(manager, submission(bundle)).values():
        (command,) = task["commands"]
        assert command["name"] == "exec"
        words = [command["parameters"]["exe"], *command["parameters"]["args"]]
        commands.append(words[: words.index("--device")] if "--device" in words else words)
    assert commands == openjd_commands(bundle)


def test_a_span_waits_for_its_own_take_alone_and_a_take_for_all_its_spans(manager, bundle):
    tasks = compiled(manager, submission(bundle))
    after = {name: task["after"] for name, task in tasks.items()}
    assert after["denoise-0"] == after["denoise-1"] == []
    assert after["decode-2"] == ["denoise-0"]
    assert after["decode-3"] == ["denoise-1"]
    assert after["assemble-0"] == ["decode-0", "decode-1", "decode-2"]
    assert after["assemble-1"] == ["decode-3"]


def test_the_submission_gives_every_setting_that_the_job_type_wants(manager, bundle):
    wanted = json.loads(manager.eval("JSON.stringify(JOB_TYPE.settings)"))
    assert [setting["key"] for setting in wanted] == list(submission(bundle)["settings"])
    assert SCRIPT.stem.replace("_", "-") == submission(bundle)["type"]
