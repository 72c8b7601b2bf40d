"""Networks that diffusers saves and loads, and that say what in a folder is not theirs.

diffusers itself ignores a key that it does not know, and fills in a tensor that is missing at random.
"""

import inspect
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import torch
from diffusers import ConfigMixin, ModelMixin

from isa_engine.errors import ModelError
from isa_engine.networks.tensors import check_tensors, tensor_shapes


class SavedModel(ModelMixin, ConfigMixin):
    """Base of a network whose configuration is its constructor's arguments, all of them."""

    @classmethod
    def from_config(cls, config: Mapping[str, Any], **kwargs) -> Self:
        """As diffusers' ``from_config``.

        Raises:
            ModelError: a key is unknown or missing; it is named.
        """
        cls._check_keys(config.keys() | kwargs.keys(), f"{cls.__name__} configuration")
        return super().from_config(config, **kwargs)

    @classmethod
    def from_pretrained(cls, folder: str | os.PathLike, *, subfolder: str = "", **kwargs) -> Self:
        """As diffusers' ``from_pretrained``, from a folder on this machine alone.

        Raises:
            ModelError: a key of ``config.json`` is unknown or missing, the weights are no safetensors, or a
                tensor is missing, surplus or misshapen; it is named.
        """
        path = Path(folder) / subfolder
        config = _read_config(path / cls.config_name)
        cls._check_keys(config.keys(), str(path / cls.config_name))
        with torch.device("meta"):
            wanted = {name: tuple(own.shape) for name, own in cls.from_config(config).state_dict().items()}
        check_tensors(tensor_shapes(path), wanted, path)
        return super().from_pretrained(path, use_safetensors=True, local_files_only=True, **kwargs)

    @classmethod
    def _check_keys(cls, keys: set[str], where: str) -> None:
        # Keys with an underscore are diffusers' own notes; return_unused_kwargs is an argument of its call.
        found = {key for key in keys if not key.startswith("_")} - {"return_unused_kwargs"}
        known = inspect.signature(cls.__init__).parameters.keys() - {"self"}
        for problem, names in (("unknown key", found - known), ("missing key", known - found)):
            if names:
                remedy = f"Known are: {', '.join(sorted(known))}."
                raise ModelError(f"{problem} '{min(names)}'", where=where, remedy=remedy)


def _read_config(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ModelError(f"cannot read the configuration: {error}", where=str(path)) from error
    if not isinstance(config, dict):
        raise ModelError("the configuration is no table of keys", where=str(path))
    return config
