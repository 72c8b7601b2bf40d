"""A Wan-VACE folder as networks on a device."""

import contextlib
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from isa_engine.errors import ModelError
from isa_engine.models.added import Added, Running
from isa_engine.models.kind import Description, Way
from isa_engine.models.vace import CONTEXT_WINDOW, KNOWN, described
from isa_engine.pipeline.device import device_of
from isa_engine.pipeline.vace import lora, parts, placing
from isa_engine.results.record import PROJECTED

# Words of a prompt that the model reads; shorter ones are padded with zeros.
WORDS = 226


@dataclass(frozen=True)
class VACE:
    """The networks; ``pipeline.painter.Loaded``.

    Attributes:
        way: how they lie in the device's memory.
    """

    name: str
    added: Added
    transformer: nn.Module
    vae: nn.Module
    text_encoder: nn.Module
    tokenizer: Any
    device: torch.device
    way: Way
    kind = "vace"
    trained = True
    max_frames = 81
    # Of Wan2.1 at 480 lines.
    shift = 3.0
    temperature = 1.0
    matte = PROJECTED

    @property
    def controls(self) -> tuple[str, ...]:
        return self.description.controls

    @property
    def steering(self) -> tuple[str, ...]:
        return self.description.steering

    @property
    def painted(self) -> tuple[str, ...]:
        return self.description.painted

    @property
    def weights(self) -> str:
        digests = [self.added.files[name].sha256 for name in sorted(self.added.files)]
        return hashlib.sha256("".join([*digests, json.dumps(self._run())]).encode()).hexdigest()

    def told(self) -> dict[str, Any]:
        return {
            "class": parts.PIPELINE,
            "licence": self.added.licence,
            # Where a file lies on this machine is nobody's business.
            "files": {_shown(name): file.sha256 for name, file in self.added.files.items()},
            "run": self._run(),
            "context_window": {"latents": CONTEXT_WINDOW, "known": KNOWN},
            "memory": self.way.name,
            "scheduler": "FlowMatchEulerDiscreteScheduler",
        }

    def _run(self) -> dict[str, Any]:
        """How it is run, as far as pictures depend on it."""
        running = self.added.running
        loras = {Path(path).name: strength for path, strength in running.loras.items()}
        return {
            "fp8": running.fp8,
            "loras": loras,
            "attention": running.attention,
            "first_block_cache": running.cache,
        }

    @property
    def side(self) -> int:
        """Pixels to a latent pixel's side."""
        return 2 ** len(self.vae.config.temperal_downsample)

    @property
    def description(self) -> Description:
        return described(self.name, self.added)

    def encode(self, video: Tensor) -> Tensor:
        """``(1, 3, F, H, W)`` in [−1, 1] to normalised latents ``(1, C, t, h, w)``: the posterior's mode."""
        mean, deviation = self._statistics()
        return (self.vae.encode(video.to(self.device)).latent_dist.mode() - mean) / deviation

    def denormalised(self, latents: Tensor) -> Tensor:
        """Normalised latents ``(1, C, t, h, w)`` as the autoencoder has them."""
        mean, deviation = self._statistics()
        return latents.to(self.vae.dtype) * deviation + mean

    def read(self, words: str) -> Tensor:
        """Features ``(1, WORDS, width)`` of a prompt, zero behind its end."""
        read = self.tokenizer(
            words.strip(), max_length=WORDS, padding="max_length", truncation=True, return_tensors="pt"
        )
        there = read.attention_mask.to(self.device)
        features = self.text_encoder(read.input_ids.to(self.device), there).last_hidden_state
        return features * there[..., None].to(features.dtype)

    def _statistics(self) -> tuple[Tensor, Tensor]:
        config, dtype = self.vae.config, self.vae.dtype
        return tuple(
            torch.tensor(values, device=self.device, dtype=dtype).view(1, -1, 1, 1, 1)
            for values in (config.latents_mean, config.latents_std)
        )


def load(name: str, added: Added, device: str) -> VACE:
    """
    Raises:
        ModelError: the folder has changed since it was added, or a package is missing.
    """
    target, folder = device_of(device), Path(added.folder)
    if not added.whole():
        remedy = "Put its files back, or add it again."
        raise ModelError(f"files of '{name}' are gone or have changed", where=added.folder, remedy=remedy)
    classes = parts.classes()
    from transformers import AutoTokenizer

    # The autoencoder's group norms lose colours in 16 bits.
    half = torch.bfloat16 if target.type == "cuda" else torch.float32
    options = {"local_files_only": True, "use_safetensors": True}
    networks = {
        "transformer": classes["transformer"].from_pretrained(
            folder / "transformer", torch_dtype=half, **options
        ),
        "vae": classes["vae"].from_pretrained(folder / "vae", torch_dtype=torch.float32, **options),
        "text_encoder": classes["text_encoder"].from_pretrained(
            folder / "text_encoder", dtype=half, **options
        ),
    }
    for network in networks.values():
        network.eval().requires_grad_(False)
    _run_as(networks["transformer"], added.running, half)
    way = placing.way(described(name, added), target)
    placing.place(networks, way.offloaded, target)
    tokenizer = AutoTokenizer.from_pretrained(
        folder / parts.TOKENIZER, local_files_only=True, trust_remote_code=False
    )
    return VACE(name, added, **networks, tokenizer=tokenizer, device=target, way=way)


def _run_as(transformer: nn.Module, running: Running, half: torch.dtype) -> None:
    """
    Raises:
        ModelError: a LoRA does not fit, or this machine has no such attention.
    """
    for path, strength in running.loras.items():
        lora.merge(Path(path), strength, transformer)
    if running.fp8:
        transformer.enable_layerwise_casting(storage_dtype=torch.float8_e4m3fn, compute_dtype=half)
    # Where it cannot be used it is told before anything is painted.
    with attending(running.attention):
        pass


@contextlib.contextmanager
def attending(backend: str) -> Iterator[None]:
    """What is run inside attends by a backend of diffusers; empty: by torch's own.

    Raises:
        ModelError: there is no such backend, or it cannot be used on this machine.
    """
    if not backend:
        yield
        return
    from diffusers.models.attention_dispatch import AttentionBackendName, attention_backend

    # Those of the hub would be downloaded, code and all.
    known = [each.value for each in AttentionBackendName if "hub" not in each.value]
    problem = f"attention '{backend}' cannot be used"
    if backend not in known:
        raise ModelError(problem, remedy=f"Use one of {', '.join(known)}.")
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(attention_backend(backend))
        except (ValueError, RuntimeError, ImportError) as error:
            remedy = "Install its package, or add the model without it."
            raise ModelError(f"{problem}: {error}", remedy=remedy) from error
        yield


def _shown(name: str) -> str:
    return Path(name).name if Path(name).is_absolute() else name
