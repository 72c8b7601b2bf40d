"""The bundle as a job for Flamenco: what its manager takes at ``/api/v3/jobs``.

The job type itself is ``install/farm/isa_takes.js``. It runs on the manager, which may not be able to read
the bundle's folder, so the submission says how many takes and spans there are.
"""

import json
from typing import Any

from isa_engine.errors import EngineError
from isa_engine.farm.job import Bundle

SUBMISSION = "flamenco.json"
_PLATFORMS = {"macos": "darwin"}
_PRIORITY = 50


def submission(bundle: Bundle) -> dict[str, Any]:
    """The manager's ``SubmittedJob``."""
    job = bundle.job
    return {
        "name": f"ISA {', '.join(take.name for take in job.takes)}",
        "type": "isa-takes",
        "priority": _PRIORITY,
        "submitter_platform": _PLATFORMS.get(job.operating_system, job.operating_system),
        "settings": {
            "bundle": str(bundle.folder.absolute()),
            "takes": len(job.takes),
            "spans": ",".join(str(take) for take, _, _ in job.spans),
            "engine": "isa-engine",
            "device": "auto",
        },
    }


def write_submission(bundle: Bundle) -> None:
    """Put the submission into the bundle's folder.

    Raises:
        EngineError: it cannot be written.
    """
    path = bundle.folder / SUBMISSION
    try:
        path.write_text(json.dumps(submission(bundle), indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise EngineError(f"cannot write the submission: {error.strerror}", where=str(path)) from error
