"""How an operator ends, as Blender spells it."""

from typing import Literal

Result = set[Literal["RUNNING_MODAL", "CANCELLED", "FINISHED", "PASS_THROUGH", "INTERFACE"]]
