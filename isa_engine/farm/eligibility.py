"""Whether this machine may work on a bundle: what a scheduler cannot check before it sends work."""

import platform

import isa_engine
from isa_engine.errors import EngineError, ModelError
from isa_engine.farm.job import Job
from isa_engine.models import MISSING, UNTRAINED, describe

_FAMILIES = {"Linux": "linux", "Darwin": "macos", "Windows": "windows"}


def operating_system() -> str:
    """This machine's operating system, by OpenJD's name for it."""
    return _FAMILIES.get(platform.system(), platform.system().lower())


def check(job: Job) -> None:
    """Decline a job that would fail here, or whose results would differ from those of the other workers.

    Raises:
        EngineError: another operating system, another version of the engine, or a model that is not here.
    """
    here = operating_system()
    if here != job.operating_system:
        raise EngineError(
            f"this worker runs {here} and the job wants {job.operating_system}",
            remedy=f"Send it to a fleet of {job.operating_system} machines, or bundle it for {here}.",
        )
    if isa_engine.__version__ != job.engine:
        remedy = f"Install {job.engine} here, or bundle the shots with {isa_engine.__version__}."
        raise EngineError(
            f"this worker's engine is {isa_engine.__version__} and the job's {job.engine}", remedy=remedy
        )
    try:
        model = describe(job.model)
    except ModelError as error:
        raise EngineError(f"this worker does not know the model '{job.model}'") from error
    if model.state == MISSING:
        remedy = "Put them back, or add it again: isa-engine model add."
        raise EngineError(f"files of the model '{job.model}' are gone from this worker", remedy=remedy)
    if model.state == UNTRAINED and not job.untrained:
        remedy = "Install them here, or bundle the shots with --untrained."
        raise EngineError(f"this worker has no weights of the model '{job.model}'", remedy=remedy)
