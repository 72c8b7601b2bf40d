"""CLIP(I_ref) of Eq. 21: open_clip's vision transformer, all of its tokens."""

import os

import open_clip
import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from open_clip.transformer import QuickGELU, VisionTransformer
from torch import nn

from isa_engine.errors import ModelError
from isa_engine.networks.tensors import check_tensors, read_safetensors


class ImageTower(ModelMixin, ConfigMixin):
    """CLIP's image encoder: reference pictures to tokens.

    Built from ``ImageTowerConfig``: ``ImageTower(**dataclasses.asdict(config.image_tower))``. Nothing is ever
    downloaded: weights come with the model, or from a file by ``load_open_clip``.

    Raises:
        ModelError: open_clip has no architecture of that name, or it has other sizes.
    """

    @register_to_config
    def __init__(self, *, name: str, size: int, patch: int, width: int, layers: int, heads: int):
        super().__init__()
        architecture = _architecture(
            name, size=size, patch_size=patch, width=width, layers=layers, heads=heads
        )
        self.transformer = VisionTransformer(
            image_size=size,
            patch_size=patch,
            width=width,
            layers=layers,
            heads=heads,
            mlp_ratio=4.0,
            act_layer=QuickGELU if architecture.get("quick_gelu") else nn.GELU,
            output_dim=width,
            output_tokens=True,
        )
        # This would project into the space shared with text; the tokens wanted are those before it.
        self.transformer.proj = None
        for statistic in ("mean", "std"):
            values = getattr(open_clip, f"OPENAI_DATASET_{statistic.upper()}")
            self.register_buffer(statistic, torch.tensor(values)[:, None, None], persistent=False)

    @property
    def token_count(self) -> int:
        """L: tokens a picture."""
        return 1 + (self.config.size // self.config.patch) ** 2

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Tokens of pictures.

        Args:
            pictures: ``(B, 3, H, W)`` in [−1, 1], of any size; fitted into the tower's square by ``fit``.

        Returns:
            ``(B, L, width)``, the class token first.
        """
        pooled, patches = self.transformer(((self.fit(pictures) + 1) / 2 - self.mean) / self.std)
        return torch.cat([pooled[:, None], patches], 1)

    def fit(self, pictures: torch.Tensor) -> torch.Tensor:
        """Whole pictures on a square of CLIP's mean colour, ``(B, 3, size, size)``: all that the tower sees.

        A picture that has the tower's size already is returned unchanged.
        """
        size = self.config.size
        scale = size / max(pictures.shape[-2:])
        fitted = [max(1, round(side * scale)) for side in pictures.shape[-2:]]
        pictures = nn.functional.interpolate(pictures, fitted, mode="bicubic", antialias=True)
        top, left = ((size - side) // 2 for side in fitted)
        square = (self.mean * 2 - 1).to(pictures).expand(len(pictures), 3, size, size).clone()
        square[..., top : top + fitted[0], left : left + fitted[1]] = pictures
        return square

    def load_open_clip(self, path: str | os.PathLike) -> None:
        """Take the image tower's weights from a CLIP checkpoint that open_clip wrote as safetensors.

        Raises:
            ModelError: the file cannot be read, or a tensor is missing, surplus or misshapen; it is named.
        """
        weights = {name: v for name, v in read_safetensors(path).items() if name.startswith("visual.")}
        weights.pop("visual.proj", None)
        wanted = {f"visual.{name}": tuple(v.shape) for name, v in self.transformer.state_dict().items()}
        check_tensors(weights, wanted, path)
        self.transformer.load_state_dict({k.removeprefix("visual."): v for k, v in weights.items()})


def _architecture(name: str, **sizes: int) -> dict:
    """open_clip's own description of a named architecture; {} without a name.

    Raises:
        ModelError: open_clip knows no such name, or its sizes are not these.
    """
    if not name:
        return {}
    architecture = open_clip.get_model_config(name)
    if architecture is None:
        raise ModelError(f"open_clip has no architecture '{name}'", where="image tower")
    vision = architecture["vision_cfg"]
    found = {
        "size": vision["image_size"],
        "patch_size": vision["patch_size"],
        "width": vision["width"],
        "layers": vision["layers"],
        "heads": vision["width"] // vision.get("head_width", 64),
    }
    if found != sizes:
        raise ModelError(f"'{name}' has {found}, not {sizes}", where="image tower")
    return architecture
