"""The ISA-DiT's training: flow matching with logit-normal times (paper, 5.3; SD3).

Step k's batch, noise, times and dropout depend on the seed and on k alone, so an interrupted run that loads
its checkpoint goes on as if nothing had happened.
"""

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from diffusers.training_utils import EMAModel, compute_density_for_timestep_sampling
from peft import LoraConfig
from safetensors.torch import save_file
from torch import Tensor

from isa_engine.configuration import model_config
from isa_engine.dit import Conditioning, ImageTower, ISADiT
from isa_engine.dit.isa_dit import OWN_OF_A_READOUT
from isa_engine.errors import ModelError
from isa_engine.networks.weight_files import load_weights
from isa_engine.training.condition_dropout import drop_conditions
from isa_engine.training.configuration import DiTTraining
from isa_engine.training.dit_and_tower import DiTAndTower
from isa_engine.training.figures import figures
from isa_engine.training.optimizers import make_optimizer
from isa_engine.training.parallel import make_accelerator, share, whole

# ``batches(seed)`` gives normalised latents ``(B, C, t, h, w)``, their conditions, and the reference pictures
# for the image tower ``(B, R, 3, S, S)``.
BatchSource = Callable[[int], tuple[Tensor, Conditioning, Tensor]]

_LORA_TARGETS = ["to_q", "to_k", "to_v", "to_out"]


class DiTTrainer:
    """Everything that a step of DiT training reads and writes.

    Args:
        settings: of the run.
        batches: where latents and conditions come from.
        accelerator: devices and sharding (``training.parallel``); one process on the CPU by default.
        networks: to train; those of the named configuration if None.

    Raises:
        ModelError: the weights to start from do not fit, or there are none and adapters alone are trained.
    """

    def __init__(
        self,
        settings: DiTTraining,
        batches: BatchSource,
        accelerator: Accelerator | None = None,
        networks: DiTAndTower | None = None,
    ):
        self.settings, self.batches = settings, batches
        self.accelerator = accelerator or make_accelerator("cpu")
        torch.manual_seed(settings.seed)
        if settings.lora_rank and not (networks or settings.start):
            remedy = "Set 'start' to the folder of a finished run."
            raise ModelError("adapters of random weights learn nothing", where="lora_rank", remedy=remedy)
        networks = networks or _networks(settings.model)
        if settings.start:
            for name, network in networks.named_children():
                path = Path(settings.start) / f"{name}.safetensors"
                load_weights(network, path, fresh=OWN_OF_A_READOUT)
        if settings.image_tower:
            networks.image_tower.load_open_clip(settings.image_tower)
            networks.image_tower.requires_grad_(False)
        if settings.lora_rank:
            networks.requires_grad_(False)
            networks.dit.add_adapter(self._adapters())
        if settings.gradient_checkpointing:
            networks.dit.enable_gradient_checkpointing()
        trained = [parameter for parameter in networks.parameters() if parameter.requires_grad]
        if settings.optimizer == "muon" and self.accelerator.num_processes > 1:
            remedy = "Train with 'adamw' on several devices."
            raise ModelError(
                "muon needs whole matrices, and these are shared out", where="optimizer", remedy=remedy
            )
        optimizer = make_optimizer(settings.optimizer, trained, settings.learning_rate, weight_decay=0.01)
        self.networks, self.optimizer = self.accelerator.prepare(networks, optimizer)
        self.ema = EMAModel(
            self._trained(), decay=settings.ema, use_ema_warmup=True, power=0.75, foreach=True
        )
        self.logit_mean = math.log(model_config(settings.model).shift)
        self.steps_done = 0

    @property
    def finished(self) -> bool:
        return self.steps_done >= self.settings.steps

    def step(self) -> dict[str, float]:
        """One optimiser step; returns its loss."""
        accelerator = self.accelerator
        loss = self.batch_loss(self.steps_done * accelerator.num_processes + accelerator.process_index)
        for group in self.optimizer.param_groups:
            group["lr"] = self._learning_rate()
        self.optimizer.zero_grad()
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(self._trained(), 1.0)
        self.optimizer.step()
        self.ema.step(self._trained())
        self.steps_done += 1
        return {"loss": accelerator.reduce(loss.detach(), "mean").item()}

    def batch_loss(self, number: int) -> Tensor:
        """The loss of that batch of the run; the processes' batches of a step are numbered in turn."""
        seed = self.settings.seed * 2**32 + number
        generator = torch.Generator().manual_seed(seed)
        latents, conditioning, pictures = self.batches(seed)
        conditioning = drop_conditions(conditioning, self.settings, generator)
        device = self.accelerator.device
        return self.loss(latents.to(device), conditioning.to(device), pictures.to(device), generator)

    def loss(
        self, latents: Tensor, conditioning: Conditioning, pictures: Tensor, generator: torch.Generator
    ) -> Tensor:
        """``‖v̂(x_t, t) − (x0 − ε)‖²`` at ``x_t = (1 − t) x0 + t ε``, t logit-normal about the schedule's
        shift (SD3, 5.3.2); the mean over latent pixels, of which a figure's count ``figure_weight`` times."""
        noise = torch.randn(latents.shape, generator=generator).to(latents)
        time = compute_density_for_timestep_sampling(
            "logit_normal", len(latents), logit_mean=self.logit_mean, logit_std=1.0, generator=generator
        ).to(latents)
        t = time.view(-1, 1, 1, 1, 1)
        mixed = self.settings.precision == "bf16"
        with torch.autocast(self.accelerator.device.type, torch.bfloat16, enabled=mixed):
            velocity = self.networks((1 - t) * latents + t * noise, time, conditioning, pictures)
        errors = (velocity.float() - (latents - noise)).square().mean(1, keepdim=True)
        weights = 1 + (self.settings.figure_weight - 1) * figures(conditioning)
        return (weights * errors).sum() / weights.sum()

    def averaged(self) -> DiTAndTower:
        """The networks with the averaged weights and adapters merged in, detached from training.

        All processes call it together, and each gets whole ones.
        """
        model = self.accelerator.unwrap_model(self.networks)
        copy = DiTAndTower(
            ISADiT.from_config(model.dit.config), ImageTower.from_config(model.image_tower.config)
        ).to(self.accelerator.device)
        if self.settings.lora_rank:
            copy.dit.add_adapter(self._adapters())
        weights = whole(model.state_dict())
        weights |= zip(self._trained_names(), whole(self.ema.shadow_params), strict=True)
        copy.load_state_dict(weights)
        if self.settings.lora_rank:
            copy.dit.fuse_lora()
            copy.dit.unload_lora()
        return copy.eval()

    def export(self, folder: Path) -> None:
        """Write the averaged weights alone, as ``pipeline.model`` reads them."""
        averaged = self.averaged()
        if self.accelerator.is_main_process:
            for name, network in averaged.named_children():
                save_file(network.state_dict(), folder / f"{name}.safetensors")

    def state(self) -> dict[str, Any]:
        """What ``load`` needs to continue exactly, on any number of processes.

        All processes call it together; the main one's is the checkpoint.
        """
        state = {
            "steps_done": self.steps_done,
            "networks": self.accelerator.unwrap_model(self.networks).state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "ema": self.ema.state_dict(),
        }
        return whole(state, keep=self.accelerator.is_main_process)

    def load(self, state: dict[str, Any]) -> None:
        self.steps_done = state["steps_done"]
        model = self.accelerator.unwrap_model(self.networks)
        own = model.state_dict()
        model.load_state_dict({name: share(value, own[name]) for name, value in state["networks"].items()})

        trained = self._trained()
        stepped = [parameter for group in self.optimizer.param_groups for parameter in group["params"]]
        moments = {
            # A count of steps has no shares.
            k: {name: share(value, stepped[k]) if value.ndim else value for name, value in of.items()}
            for k, of in state["optimizer"]["state"].items()
        }
        self.optimizer.load_state_dict({**state["optimizer"], "state": moments})
        averages = [share(*pair) for pair in zip(state["ema"]["shadow_params"], trained, strict=True)]
        self.ema.load_state_dict({**state["ema"], "shadow_params": []})
        self.ema.shadow_params = averages

    def _adapters(self) -> LoraConfig:
        return LoraConfig(r=self.settings.lora_rank, target_modules=_LORA_TARGETS)

    def _trained_names(self) -> list[str]:
        model = self.accelerator.unwrap_model(self.networks)
        return [name for name, parameter in model.named_parameters() if parameter.requires_grad]

    def _learning_rate(self) -> float:
        settings = self.settings
        begun = (self.steps_done + 1) / max(1, settings.warm_up)
        left = (settings.steps - self.steps_done) / max(1, settings.cool_down)
        return settings.learning_rate * min(1.0, begun, left)

    def _trained(self) -> list[torch.nn.Parameter]:
        return [parameter for parameter in self.networks.parameters() if parameter.requires_grad]


def _networks(name: str) -> DiTAndTower:
    """A model's, with random weights."""
    config = model_config(name)
    tower = ImageTower(**dataclasses.asdict(config.image_tower))
    return DiTAndTower(ISADiT(**dataclasses.asdict(config.dit)), tower)
