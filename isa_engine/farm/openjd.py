"""The bundle's Open Job Description template (specification 2023-09).

It lies in the bundle's folder as ``template.json``, where OpenJD's and Deadline Cloud's tools look for it. It
has three steps: Denoise, with a task a take; Decode, with a task a span; Assemble, with a task a take. The
first two run in an environment that starts the engine once a session and stops it when the session ends.
"""

import json
from typing import Any

from isa_engine.errors import EngineError
from isa_engine.farm.job import Bundle

TEMPLATE = "template.json"
_NAME_LENGTH = 128
_FOLDER, _SESSION = "{{Param.JobFolder}}", "{{Session.WorkingDirectory}}"
_DESCRIPTIONS = {
    "JobFolder": "The bundle's folder, which all workers share.",
    "Engine": "The isa-engine command on the workers.",
    "Device": "cpu, cuda or auto.",
}


def template(bundle: Bundle, gpus: int) -> dict[str, Any]:
    """The template of a bundle.

    Args:
        gpus: how many a worker must have to denoise and to decode.
    """
    job = bundle.job
    system = {"name": "attr.worker.os.family", "anyOf": [job.operating_system]}
    joins = {"attributes": [system]}
    computes = {**joins, "amounts": [{"name": "amount.worker.gpu", "min": gpus}]} if gpus else joins
    takes, spans = _range(len(job.takes)), _range(len(job.spans))
    environment = {
        "name": "Engine",
        "description": "Declines what this worker cannot do, else keeps the model loaded between tasks.",
        "script": {
            "actions": {
                "onEnter": _action("start", _FOLDER, "--session", _SESSION, "--device", "{{Param.Device}}"),
                "onExit": _action("stop", "--session", _SESSION),
            }
        },
    }
    session = ("--session", _SESSION)
    return {
        "specificationVersion": "jobtemplate-2023-09",
        "name": f"ISA {', '.join(take.name for take in job.takes)}"[:_NAME_LENGTH],
        "parameterDefinitions": [
            _parameter("JobFolder", "PATH", ".", objectType="DIRECTORY", dataFlow="INOUT"),
            _parameter("Engine", "STRING", "isa-engine"),
            _parameter("Device", "STRING", "auto"),
        ],
        "steps": [
            {**_step("Denoise", "Take", takes, computes, session), "stepEnvironments": [environment]},
            {
                **_step("Decode", "Span", spans, computes, session, after="Denoise"),
                "stepEnvironments": [environment],
            },
            _step("Assemble", "Take", takes, joins, (), after="Decode"),
        ],
    }


def write_template(bundle: Bundle, gpus: int) -> None:
    """Put the template into the bundle's folder.

    Raises:
        EngineError: it cannot be written.
    """
    path = bundle.folder / TEMPLATE
    try:
        path.write_text(json.dumps(template(bundle, gpus), indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise EngineError(f"cannot write the template: {error.strerror}", where=str(path)) from error


def _step(
    name: str, parameter: str, numbers: str, host: dict[str, Any], options: tuple[str, ...], after: str = ""
) -> dict[str, Any]:
    number = f"{{{{Task.Param.{parameter}}}}}"
    return {
        "name": name,
        **({"dependencies": [{"dependsOn": after}]} if after else {}),
        "parameterSpace": {
            "taskParameterDefinitions": [{"name": parameter, "type": "INT", "range": numbers}]
        },
        "hostRequirements": host,
        "script": {"actions": {"onRun": _action(name.lower(), _FOLDER, number, *options)}},
    }


def _action(*arguments: str) -> dict[str, Any]:
    return {"command": "{{Param.Engine}}", "args": ["farm", *arguments]}


def _parameter(name: str, kind: str, default: str, **more: str) -> dict[str, Any]:
    return {"name": name, "type": kind, "default": default, "description": _DESCRIPTIONS[name], **more}


def _range(count: int) -> str:
    return f"0-{count - 1}" if count > 1 else "0"
