"""The ISA-DiT's training: flow matching with logit-normal times (paper, 5.3; SD3).

Step k's batch, noise, times and dropout depend on the seed, on k and on the kind of device alone, so an
interrupted run that loads its checkpoint goes on as if nothing had happened.

Nothing in a step waits for the device: a GPU is given the next steps while it works on one.
"""

import dataclasses
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from diffusers.training_utils import EMAModel, compute_density_for_timestep_sampling
from peft import LoraConfig
from torch import Tensor

from isa_engine.configuration import model_config
from isa_engine.dit import Conditioning, ImageTower, ISADiT
from isa_engine.dit.isa_dit import OWN_OF_A_READOUT
from isa_engine.errors import ModelError
from isa_engine.networks.weight_files import load_weights, write_weights
from isa_engine.training.configuration import DiTTraining
from isa_engine.training.dit.condition_dropout import drop_conditions
from isa_engine.training.dit.dit_and_tower import DiTAndTower
from isa_engine.training.dit.figures import figures, shadows
from isa_engine.training.runs.optimizers import make_optimizer
from isa_engine.training.runs.parallel import make_accelerator, share, whole
from isa_engine.training.runs.trainer import Trainer

# ``batches(seed)`` gives normalised latents ``(B, C, t, h, w)``, their conditions, and the reference pictures
# for the image tower ``(B, R, 3, S, S)``.
BatchSource = Callable[[int], tuple[Tensor, Conditioning, Tensor]]

_LORA_TARGETS = ["to_q", "to_k", "to_v", "to_out"]


class DiTTrainer(Trainer):
    """Everything that a step of DiT training reads and writes.

    Args:
        settings: of the run.
        batches: where latents and conditions come from.
        accelerator: devices and sharding (``training.runs.parallel``); one process on the CPU by default.
        networks: smaller ones, for tests; those of the named configuration if None.

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
        super().__init__(settings, settings.steps)
        self.batches = batches
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
        self._rate, self._warm_from = 1.0, 0

    def step(self, gone: float = 0.0) -> dict[str, Tensor]:
        """One optimiser step; the loss stays on the device."""
        accelerator = self.accelerator
        loss = self.batch_loss(self.steps_done * accelerator.num_processes + accelerator.process_index)
        for group in self.optimizer.param_groups:
            group["lr"] = self._learning_rate(gone)
        self.optimizer.zero_grad()
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(self._trained(), 1.0)
        self.optimizer.step()
        self.ema.step(self._trained())
        self.steps_done += 1
        return {"loss": accelerator.reduce(loss.detach(), "mean")}

    def batch_loss(self, number: int) -> Tensor:
        """The loss of that batch of the run; the processes' batches of a step are numbered in turn."""
        seed, device = self.settings.seed * 2**32 + number, self.accelerator.device
        generator = torch.Generator(device).manual_seed(seed)
        latents, conditioning, pictures = self.batches(seed)
        conditioning = drop_conditions(conditioning.to(device), self.settings, generator)
        latents, pictures = (part.to(device, non_blocking=True) for part in (latents, pictures))
        return self.loss(latents, conditioning, pictures, generator)

    def loss(
        self, latents: Tensor, conditioning: Conditioning, pictures: Tensor, generator: torch.Generator
    ) -> Tensor:
        """``‖v̂(x_t, t) − (x0 − ε)‖²`` at ``x_t = (1 − t) x0 + t ε``, t logit-normal about the schedule's
        shift (SD3, 5.3.2); the mean over latent pixels, of which a figure's count ``figure_weight`` times and
        its shadow's ``shadow_weight`` times.

        Args:
            generator: on the networks' device.
        """
        noise = torch.randn(latents.shape, generator=generator, device=latents.device)
        time = compute_density_for_timestep_sampling(
            "logit_normal",
            len(latents),
            logit_mean=self.logit_mean,
            logit_std=1.0,
            device=latents.device,
            generator=generator,
        )
        t = time.view(-1, 1, 1, 1, 1)
        mixed = self.settings.precision == "bf16"
        with torch.autocast(self.accelerator.device.type, torch.bfloat16, enabled=mixed):
            velocity = self.networks((1 - t) * latents + t * noise, time, conditioning, pictures)
        errors = (velocity.float() - (latents - noise)).square().mean(1, keepdim=True)
        near = figures(conditioning)
        weights = 1 + (self.settings.figure_weight - 1) * near
        if self.settings.shadow_weight != 1:
            weights = weights + (self.settings.shadow_weight - 1) * shadows(latents, conditioning, near)
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
        """Write the averaged weights alone, as ``pipeline.isa.model`` reads them."""
        averaged = self.averaged()
        if self.accelerator.is_main_process:
            for name, network in averaged.named_children():
                write_weights(network.state_dict(), folder / f"{name}.safetensors")

    def restart(self, networks: Mapping[str, Tensor], averages: Mapping[str, Tensor]) -> None:
        """Go on from earlier weights with fresh moments, and warm up to half the learning rate: for when the
        loss is not finite any more.

        Args:
            networks: as ``networks.state_dict()`` was.
            averages: as ``averaged().state_dict()`` was, of a run without adapters.
        """
        self._load_networks(networks)
        self.optimizer.state.clear()
        names = self._trained_names()
        pairs = zip(names, self._trained(), strict=True)
        self.ema.shadow_params = [share(averages[name].clone(), parameter) for name, parameter in pairs]
        self._rate, self._warm_from = self._rate / 2, self.steps_done

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
        self._load_networks(state["networks"])
        trained = self._trained()
        stepped = [parameter for group in self.optimizer.param_groups for parameter in group["params"]]
        moments = {
            # Moments are shared out as the weights are; the count of steps is one number, alike on every
            # device.
            k: {name: share(value, stepped[k]) if value.ndim else value for name, value in of.items()}
            for k, of in state["optimizer"]["state"].items()
        }
        self.optimizer.load_state_dict({**state["optimizer"], "state": moments})
        averages = [share(*pair) for pair in zip(state["ema"]["shadow_params"], trained, strict=True)]
        self.ema.load_state_dict({**state["ema"], "shadow_params": []})
        self.ema.shadow_params = averages

    def _load_networks(self, weights: Mapping[str, Tensor]) -> None:
        model = self.accelerator.unwrap_model(self.networks)
        own = model.state_dict()
        model.load_state_dict({name: share(value, own[name]) for name, value in weights.items()})

    def _adapters(self) -> LoraConfig:
        return LoraConfig(r=self.settings.lora_rank, target_modules=_LORA_TARGETS)

    def _trained_names(self) -> list[str]:
        model = self.accelerator.unwrap_model(self.networks)
        return [name for name, parameter in model.named_parameters() if parameter.requires_grad]

    def _learning_rate(self, gone: float) -> float:
        settings, gone = self.settings, self.share_over(gone)
        begun = (self.steps_done - self._warm_from + 1) / max(1, settings.warm_up)
        rate = min(1.0, begun)
        if settings.cool_down_share:
            rate = min(rate, max(0.0, 1 - gone) / settings.cool_down_share)
        return self._rate * settings.learning_rate * rate

    def _trained(self) -> list[torch.nn.Parameter]:
        return [parameter for parameter in self.networks.parameters() if parameter.requires_grad]


def _networks(name: str) -> DiTAndTower:
    """A model's, with random weights."""
    config = model_config(name)
    tower = ImageTower(**dataclasses.asdict(config.image_tower))
    return DiTAndTower(ISADiT(**dataclasses.asdict(config.dit)), tower)
