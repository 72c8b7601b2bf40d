"""The background gate's training: a few numbers on a finished transformer, which stays as it is.

Clips and the transformer's answers are dear and the gate is cheap, so it is fitted again and again to all
tokens that were seen so far.
"""

from pathlib import Path
from typing import Any

import torch
from einops import rearrange, repeat
from torch import Tensor

from isa_engine.dit import Conditioning
from isa_engine.dit.background_gate import BackgroundGate, Prediction, somebody
from isa_engine.networks.weight_files import write_weights
from isa_engine.pipeline.isa.model import Model
from isa_engine.pipeline.sampling import sample
from isa_engine.pipeline.velocity import velocity_of
from isa_engine.training.configuration import GateTraining
from isa_engine.training.dit.dit_and_tower import DiTAndTower
from isa_engine.training.dit.figures import figures, shadows
from isa_engine.training.dit.trainer import BatchSource
from isa_engine.training.runs.trainer import Trainer

# Noise levels at which the transformer is asked about each batch, and steps of the fit after it, over so many
# of the tokens seen so far.
_TIMES, _UPDATES, _TOKENS = 4, 8, 4096
# Steps in which the transformer makes its own picture of each batch.
_STEPS = 6

# What the fit needs of N tokens: ``tokens (N, d)``, ``time (N,)``, how far the transformer's estimate and the
# truth depart from what is known, ``estimate`` and ``truth (N, C, p, p)``, and ``weight`` and ``known``, of
# ``BackgroundGate.forward``, ``(N, 1, p, p)``.
Seen = dict[str, Tensor]


class GateTrainer(Trainer):
    """Everything that a step of the gate's training reads and writes.

    Step k's batch, noise, times and choice of tokens depend on the seed and on k alone.

    Args:
        settings: of the run.
        batches: where latents and conditions come from, of the model's autoencoder.
        model: whose transformer's tokens the gate reads.
    """

    def __init__(self, settings: GateTraining, batches: BatchSource, model: Model):
        super().__init__(settings, settings.steps)
        self.batches, self.model = batches, model
        self.networks = DiTAndTower(model.dit, model.image_tower).eval().requires_grad_(False)
        dit = model.config.dit
        self.gate = BackgroundGate(width=dit.width, patch=dit.patch).to(model.device)
        self.optimizer = torch.optim.Adam(self.gate.parameters(), settings.learning_rate)
        self.seen: Seen = {}

    def step(self, gone: float = 0.0) -> dict[str, float]:
        """See a batch and fit on; returns the loss, and the same without a gate."""
        seed = self.settings.seed * 2**32 + self.steps_done
        generator = torch.Generator().manual_seed(seed)
        more = self._look(seed, generator)
        self.seen = {name: torch.cat([self.seen.get(name, value[:0]), value]) for name, value in more.items()}
        for group in self.optimizer.param_groups:
            group["lr"] = self.settings.learning_rate * (1 - self.share_over(gone))
        for _ in range(_UPDATES):
            chosen = torch.randint(len(self.seen["time"]), (_TOKENS,), generator=generator)
            loss, ungated = self.loss({name: value[chosen].float() for name, value in self.seen.items()})
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
        self.steps_done += 1
        return {"loss": loss.item(), "without": ungated.item()}

    @torch.no_grad()
    def _look(self, seed: int, generator: torch.Generator) -> Seen:
        """What the transformer says of a batch, at times of the sampling schedule spread over all of it."""
        device, config = self.model.device, self.model.config
        latents, conditioning, pictures = self.batches(seed)
        latents = latents.to(device)
        conditioning = self.networks.seeing(conditioning.to(device), pictures.to(device))
        known, there = conditioning.reprojected_latents, somebody(conditioning)
        truth = latents - known
        weight = torch.full_like(truth[:, :1], self.settings.ground_weight)
        near = figures(conditioning)
        weight = weight.masked_fill(near != 0, 1.0)
        weight = weight.masked_fill(shadows(latents, conditioning, near) != 0, self.settings.shadow_weight)

        # Noisy pictures are the transformer's own, as in sampling. A noisy render would show it what to
        # paint, better the less noise there is, and what is known beforehand would seem to be of no use.
        made = self._made(conditioning, generator)
        rows: list[Seen] = []
        for k in range(_TIMES):
            even = (k + torch.rand(len(latents), generator=generator)) / _TIMES
            time = (config.shift * even / (1 + (config.shift - 1) * even)).to(latents)
            t = time.view(-1, 1, 1, 1, 1)
            noise = torch.randn(latents.shape, generator=generator).to(latents)
            noisy = (1 - t) * made + t * noise
            velocity, tokens = self.networks.dit.predict(noisy, time, conditioning)
            estimate = noisy + t * velocity - known
            seen = {"estimate": estimate, "truth": truth, "weight": weight, "known": there}
            rows.append({name: self._by_token(value) for name, value in seen.items()})
            rows[-1]["tokens"] = tokens.flatten(0, 3)
            rows[-1]["time"] = repeat(time, "B -> (B n)", n=tokens[0, ..., 0].numel())
        # In half precision, because the rows of a whole run are held in memory.
        return {name: torch.cat([row[name] for row in rows]).half().cpu() for name in rows[0]}

    def _made(self, conditioning: Conditioning, generator: torch.Generator) -> Tensor:
        """What the transformer makes of conditions without a gate, ``(B, C, t, h, w)``."""
        config = self.model.config
        shape = conditioning.background_latents.shape
        noise = config.temperature * torch.randn(shape, generator=generator)

        def network(noisy: Tensor, time: Tensor, conditions: Conditioning) -> Prediction:
            return Prediction(self.networks.dit(noisy, time, conditions))

        velocity = velocity_of(network, conditioning, guidance=1.0)
        return sample(velocity, noise.to(self.model.device), _STEPS, config.shift)

    def _by_token(self, value: Tensor) -> Tensor:
        side = self.model.config.dit.patch
        return rearrange(value, "B C t (r p) (c q) -> (B t r c) C p q", p=side, q=side)

    def loss(self, seen: Seen) -> tuple[Tensor, Tensor]:
        """``‖gate · (x̂0 − known) − (x0 − known)‖²``, and the same with an open gate; the mean over
        latent pixels, weighted."""
        seen = {name: value.to(self.model.device) for name, value in seen.items()}
        tokens, there = seen["tokens"][:, None, None, None], seen["known"][:, :, None]
        gate = self.gate(tokens, seen["time"], there)[:, :, 0]

        def weighted(estimate: Tensor) -> Tensor:
            errors = (estimate - seen["truth"]).square().mean(1, keepdim=True)
            return (seen["weight"] * errors).sum() / seen["weight"].sum()

        return weighted(gate * seen["estimate"]), weighted(seen["estimate"])

    def export(self, folder: Path) -> None:
        """Write the gate alone, as ``pipeline.isa.model`` reads it."""
        write_weights(self.gate.state_dict(), folder / "gate.safetensors")

    def state(self) -> dict[str, Any]:
        """What ``load`` needs to continue exactly."""
        return {
            "steps_done": self.steps_done,
            "gate": self.gate.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "seen": self.seen,
        }

    def load(self, state: dict[str, Any]) -> None:
        self.steps_done, self.seen = state["steps_done"], state["seen"]
        self.gate.load_state_dict(state["gate"])
        self.optimizer.load_state_dict(state["optimizer"])
