"""Lets torchvision be imported beside a CPU build of torch.

For some platforms torchvision's only wheel is built for CUDA. Beside a CPU build of torch its compiled
operators do not load, and then importing open_clip or diffusers fails because their schemas are missing,
although neither calls them here. To declare the schemas is enough; where torchvision loads, nothing is done.
"""

import torch

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
# Kept for the life of the process: torch takes a library's declarations back when the object goes.
_declared: list[torch.library.Library] = []


def declare_missing() -> None:
    """Declare what torchvision's Python code expects; call before importing diffusers or open_clip."""
    try:
        import torchvision  # noqa: F401
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
        library = torch.library.Library("torchvision", "DEF")
        for schema in _SCHEMAS:
            library.define(schema)
        _declared.append(library)
