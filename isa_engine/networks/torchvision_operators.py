"""torchvision beside a CPU build of torch.

torchvision's only wheel for some platforms is built for CUDA. Beside a CPU build of torch its compiled
operators do not load, and then importing open_clip or diffusers fails on a missing schema, although neither
calls the operators here. Declaring the schemas is enough; where torchvision is whole, nothing is done.
"""

import torch

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
# A library's declarations live as long as the object does.
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
