"""A model's networks and their weights.

Weights live in a folder: each part's in a file or several (``Model.parts``, ``weight_files``), and
``card.json``, which says how they came to be. A named configuration without such a folder is initialised from
a fixed seed, the same on every machine, and calls itself untrained.
"""

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from isa_engine.configuration import CARD, ModelConfig
from isa_engine.dit import Conditioning, ImageTower, ISADiT
from isa_engine.dit.background_gate import BackgroundGate, Prediction, somebody
from isa_engine.dit.parameters import parameters as of_transformer
from isa_engine.dit.shared_windows import Neighbours
from isa_engine.geometry.temporal_windows import shares
from isa_engine.geometry.tiles import Tile
from isa_engine.networks.from_memory import keep_in_memory
from isa_engine.networks.one_dnn import multiply_by_one_dnn
from isa_engine.networks.weight_files import load_weights, weight_files, write_weights
from isa_engine.pipeline.device import device_of
from isa_engine.pipeline.heap import give_back
from isa_engine.pipeline.isa.tiles import over_tiles
from isa_engine.pipeline.spread.worker import Worker
from isa_engine.results.record import GENERATED, PROJECTED
from isa_engine.vae import MatteHead, VideoVAE

_SEED = 20260
# Pieces of a long video after which a processor's heap gives back its gaps. A GPU's tokens do not lie there.
_PIECES_A_TRIM = 2
# All parts that a model can have (``parts_of``).
PARTS = ("vae", "matte_head", "dit", "image_tower", "gate")


@dataclass(frozen=True)
class Model:
    """A named model's networks, with their weights, on a device.

    Attributes:
        gate: of the transformer's tokens; None where the configuration has none, or it is not trained.
        trained: false where the weights of any part are random.
        weights: SHA-256 over the SHA-256 of each weight file, or "random".
        others: workers with the same weights, which share the windows of long takes.
        offloaded: parts whose linear layers lie in the machine's memory until they are run.
        compiled: whether the transformer's blocks are: faster, to slightly other bits.
    """

    config: ModelConfig
    vae: VideoVAE
    matte_head: MatteHead
    dit: ISADiT
    image_tower: ImageTower
    gate: BackgroundGate | None
    trained: bool
    weights: str
    device: torch.device
    others: tuple[Worker, ...] = ()
    offloaded: tuple[str, ...] = ()
    compiled: bool = False
    kind, controls, steering, painted = "isa", (), (), ()

    @property
    def name(self) -> str:
        return self.config.name

    @property
    def max_frames(self) -> int:
        return self.config.max_frames

    @property
    def reprojects(self) -> bool:
        """As of its configuration; without a gate that learned, of its transformer alone."""
        return self.gate is not None or self.config.dit.reprojection

    @property
    def shift(self) -> float:
        return self.config.shift

    @property
    def temperature(self) -> float:
        return self.config.temperature

    @property
    def matte(self) -> str:
        """What the matte is, in the record's words."""
        return GENERATED if self.trained else PROJECTED

    def told(self) -> dict[str, Any]:
        """What the record tells of the model beside its name and weights."""
        offloaded = {"offloaded": [*self.offloaded]} if self.offloaded else {}
        compiled = {"compiled": True} if self.compiled else {}
        return {"configuration": dataclasses.asdict(self.config), **offloaded, **compiled}

    @property
    def parts(self) -> dict[str, nn.Module]:
        """The networks by the names of their files."""
        return {part: getattr(self, part) for part in PARTS if getattr(self, part) is not None}

    def predict(
        self,
        latents: Tensor,
        timestep: Tensor,
        conditioning: Conditioning,
        points: list[Tensor] | None = None,
    ) -> Prediction:
        """``ISADiT.predict`` and the gate, at the precision that suits the device; in tiles (``over_tiles``),
        of a canvas that is larger than the model's own."""

        def seen(latents: Tensor, conditioning: Conditioning, points: list[Tensor] | None) -> Prediction:
            # A long video comes in pieces, and so does what only the gate reads.
            velocities, gates, known = [], [], somebody(conditioning)
            for velocity, tokens in self.dit.pieces(latents, timestep, conditioning, points):
                velocities.append(velocity)
                here, known = known.tensor_split([velocity.shape[2]], 2)
                gates += [] if self.gate is None else [self.gate(tokens, timestep, here)]
                if self.device.type == "cpu" and len(velocities) % _PIECES_A_TRIM == 0:
                    give_back()
            return Prediction(torch.cat(velocities, 2), torch.cat(gates, 2) if gates else None)

        with self._mixed():
            return over_tiles(seen, self._tiles(latents), latents, timestep, conditioning, points)

    @torch.inference_mode()
    def predict_share(
        self,
        latents: Tensor,
        timestep: Tensor,
        conditioning: Conditioning,
        neighbours: Neighbours,
        points: list[Tensor] | None = None,
    ) -> Prediction:
        """``predict`` of this worker's own latents, as of ``ISADiT.share``; of all, where it is alone."""
        if neighbours.count == 1:
            return self.predict(latents, timestep, conditioning, points)

        def seen(latents: Tensor, conditioning: Conditioning, points: list[Tensor] | None) -> Prediction:
            velocity, tokens = self.dit.share(latents, timestep, conditioning, neighbours, points)
            known = somebody(conditioning)[:, :, own]
            return Prediction(velocity, None if self.gate is None else self.gate(tokens, timestep, known))

        dealt = shares(self.dit.windows(conditioning.cameras.shape[1]), neighbours.count)
        own = slice(dealt[neighbours.number].first, dealt[neighbours.number].last)
        with self._mixed():
            return over_tiles(seen, self._tiles(latents), latents, timestep, conditioning, points, own)

    def _tiles(self, latents: Tensor) -> list[Tile]:
        return self.config.tiles(*latents.shape[-2:])

    def _mixed(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda")


def build_model(
    config: ModelConfig,
    folder: Path | None,
    device: str = "auto",
    read: tuple[str, ...] | None = None,
    offloaded: tuple[str, ...] = (),
) -> Model:
    """The model of a configuration, ready to generate.

    Args:
        folder: of its weights; None leaves them random.
        device: "auto" takes a GPU if there is one.
        read: parts whose weights the folder holds, all if None; the others stay random, and a gate that
            learned nothing is left out.
        offloaded: as of ``Model``.

    Raises:
        ModelError: no such device, or a file or tensor that does not fit; it is named.
    """
    target = device_of(device)
    read = parts_of(config) if read is None else read
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_SEED)
        parts = build_parts(config)
    if folder is None or "gate" not in read:
        parts.pop("gate", None)
    weights = "random"
    if folder is not None:
        digest = hashlib.sha256()
        for part in read:
            path = folder / f"{part}.safetensors"
            load_weights(parts[part], path)
            for each in weight_files(path):
                with each.open("rb") as file:
                    digest.update(hashlib.file_digest(file, "sha256").digest())
        weights = digest.hexdigest()
    for part, network in parts.items():
        network.eval().requires_grad_(False)
        if part in offloaded:
            keep_in_memory(network, target, torch.bfloat16 if target.type == "cuda" else torch.float32)
        else:
            network.to(target)
    if target.type == "cpu":
        multiply_by_one_dnn(parts["dit"])
    trained = folder is not None and set(read) == set(parts_of(config))
    parts = {"gate": None, **parts}
    return Model(config=config, **parts, trained=trained, weights=weights, device=target, offloaded=offloaded)


def parts_of(config: ModelConfig) -> tuple[str, ...]:
    """Those of ``PARTS`` that models of a configuration have."""
    return PARTS if config.gate else PARTS[:-1]


def build_parts(config: ModelConfig) -> dict[str, nn.Module]:
    """The networks of a configuration, by the names of ``PARTS``, with random weights."""
    dit = config.dit
    parts = {
        "vae": VideoVAE(**dataclasses.asdict(config.vae)),
        "matte_head": build_matte_head(config),
        "dit": ISADiT(**dataclasses.asdict(dit)),
        "image_tower": ImageTower(**dataclasses.asdict(config.image_tower)),
    }
    return parts | ({"gate": BackgroundGate(width=dit.width, patch=dit.patch)} if config.gate else {})


def build_matte_head(config: ModelConfig) -> MatteHead:
    """A matte head for the latents of a configuration's autoencoder, with random weights."""
    latent = config.vae.latent_channels, config.vae.spatial_compression
    return MatteHead(*latent, **dataclasses.asdict(config.matte_head))


def count_parameters(config: ModelConfig) -> dict[str, dict[str, int]]:
    """Parameters of each network by part; nothing is allocated."""
    with torch.device("meta"):
        networks = build_parts(config)
    counts = {
        part: {name: sum(map(torch.numel, module.parameters())) for name, module in network.named_children()}
        for part, network in networks.items()
    }
    return counts | {"dit": of_transformer(config.dit)}


def save_model(parts: dict[str, nn.Module], card: dict, folder: Path) -> None:
    """Write a weights folder from trained networks; ``card`` says how they were trained."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, network in parts.items():
        write_weights(network.state_dict(), folder / f"{part}.safetensors")
    (folder / CARD).write_text(json.dumps(card, indent=2) + "\n")
