"""The VideoVAE's training (paper, 4.2; Eqs. 1 and 2), and beside it the matte head's.

Step k's clips, crops and noise depend on the seed and on k alone, so an interrupted run that loads its
checkpoint goes on as if nothing had happened.
"""

import copy
import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from isa_engine.configuration import model_config
from isa_engine.errors import ModelError
from isa_engine.networks.weight_files import load_weights, write_weights
from isa_engine.pipeline.isa.model import build_matte_head
from isa_engine.training.configuration import VAETraining
from isa_engine.training.runs.optimizers import make_optimizer
from isa_engine.training.runs.trainer import Trainer
from isa_engine.training.vae.discriminators import (
    PatchDiscriminator,
    discriminator_loss,
    feature_matching_loss,
    generator_loss,
)
from isa_engine.training.vae.image_decoding import SubLatentDecoder, image_decoding_loss
from isa_engine.training.vae.latent_normalisation import normalise_latents
from isa_engine.training.vae.linear_start import fit_linear_maps
from isa_engine.training.vae.perceptual import LPIPS
from isa_engine.vae import Posterior, VideoVAE

# ``batches(step)`` gives colours and mattes, ``(B, 4, F, H, W)`` in [−1, 1]; see ``video_batches``.
BatchSource = Callable[[int], Tensor]
# Clips whose latents are measured for their normalisation.
_MEASURED = 32
_GANS = ("gan_2d", "gan_3d")
# Parts that a decoder may have beside those that it goes on from; a fresh one changes nothing at first.
_NEW = ("tail",)


class VAETrainer(Trainer):
    """Everything that a step of VAE training reads and writes.

    Args:
        settings: of the run.
        batches: what to learn from.
        device: of the networks.

    Raises:
        ModelError: the weights to start from do not fit, or the perceptual loss has none.
    """

    def __init__(self, settings: VAETraining, batches: BatchSource, device: torch.device | str = "cpu"):
        super().__init__(settings, sum(settings.steps))
        self.batches, self.device = batches, torch.device(device)
        torch.manual_seed(settings.seed)
        vae = VideoVAE(**dataclasses.asdict(model_config(settings.model).vae))
        self.vae = vae.to(device)
        self.matte_head = build_matte_head(model_config(settings.model)).to(device)
        if settings.start:
            for part in ("vae", "matte_head"):
                load_weights(getattr(self, part), Path(settings.start) / f"{part}.safetensors", fresh=_NEW)
        self.anchor = None
        if settings.latent_anchor:
            if not settings.start:
                remedy = "Name a finished run with 'start', or set 'latent_anchor' to 0."
                raise ModelError("there are no latents to keep to", remedy=remedy)
            self.anchor = copy.deepcopy(self.vae).requires_grad_(False)
        channels = vae.config.latent_channels
        self.sub_latent_decoder = SubLatentDecoder(channels, vae.spatial_compression).to(device)
        self.discriminators = torch.nn.ModuleDict(
            {
                "gan_2d": PatchDiscriminator(2, settings.discriminator_width),
                "gan_3d": PatchDiscriminator(3, settings.discriminator_width),
            }
        ).to(device)
        self.perceptual = None
        if settings.perceptual:
            if not settings.lpips:
                remedy = "Name the weights with 'lpips', or set 'perceptual' to 0."
                raise ModelError("the perceptual loss has no network", remedy=remedy)
            self.perceptual = LPIPS.load(settings.lpips).to(device)
        vae.encoder.requires_grad_(settings.train_encoder)
        vae.decoder.requires_grad_(settings.train_decoder)
        self.optimizer = make_optimizer(
            settings.optimizer,
            [
                *(parameter for parameter in vae.parameters() if parameter.requires_grad),
                *self.matte_head.parameters(),
                *self.sub_latent_decoder.parameters(),
            ],
            settings.learning_rate,
        )
        self.discriminator_optimizer = torch.optim.AdamW(
            self.discriminators.parameters(),
            settings.learning_rate,
            betas=(0.5, 0.9),
            weight_decay=0.0,
            fused=True,
        )

    def step(self, gone: float = 0.0) -> dict[str, Tensor]:
        """One optimiser step of the VAE and, once they play, of the discriminators.

        Nothing in it waits for the device.

        Returns:
            Each term of Eq. 1, unweighted, by name; the matte head's loss; the discriminators'.
        """
        settings = self.settings
        if self.steps_done == 0:
            self._fit_linear_maps()
        gone = self.share_over(gone)
        playing = [name for name in _GANS if getattr(settings, name) and gone >= settings.gan_from]
        generator = torch.Generator(self.device)
        generator.manual_seed(2 * (settings.seed * 2**32 + self.steps_done) + 1)
        video, matte = self.batches(self.steps_done).to(self.device).split([3, 1], 1)
        for optimizer in (self.optimizer, self.discriminator_optimizer):
            for group in optimizer.param_groups:
                group["lr"] = self._learning_rate(gone)

        # Here the discriminators only judge; they learn below.
        self.discriminators.requires_grad_(False)
        with self._mixed():
            posterior = self.vae.encode(video)
            posterior = Posterior(posterior.mean.float(), posterior.logvar.float())
            latents = posterior.sample(generator)
            decoded = self.vae.decode(self._disturbed(latents, generator)).float()
            terms = self.terms(video, latents, posterior, decoded, playing)
            if settings.matte:
                # Detached: the autoencoder must not change its latents to please the matte head.
                terms["matte"] = matte_loss(self.matte_head(latents.detach()).float(), matte)
        weighted = [getattr(settings, name) * value for name, value in terms.items()]
        self.optimizer.zero_grad()
        torch.stack(weighted).sum().backward()
        torch.nn.utils.clip_grad_norm_(self.vae.parameters(), 1.0)
        self.optimizer.step()

        if playing:
            self.discriminators.requires_grad_(True)
            with self._mixed():
                losses = {
                    name: discriminator_loss(self.discriminators[name], video, decoded) for name in playing
                }
            self.discriminator_optimizer.zero_grad()
            torch.stack(list(losses.values())).sum().backward()
            self.discriminator_optimizer.step()
            terms |= {f"discriminator_{name[4:]}": value for name, value in losses.items()}
        self.steps_done += 1
        return {name: value.detach() for name, value in terms.items()}

    def terms(
        self,
        video: Tensor,
        latents: Tensor,
        posterior: Posterior,
        decoded: Tensor,
        playing: Sequence[str] = (),
    ) -> dict[str, Tensor]:
        """The terms of Eq. 1 whose weights are not zero, by the names of ``VAETraining``.

        Args:
            playing: discriminators.
        """
        settings = self.settings
        terms = {"l1": F.l1_loss(decoded, video)}
        if settings.l2:
            terms["l2"] = F.mse_loss(decoded, video)
        if self.anchor is not None:
            terms["latent_anchor"] = self._distance(posterior.mean, video)
        if settings.kl:
            terms["kl"] = kl_divergence(posterior.mean, posterior.logvar)
        if self.perceptual is not None:
            terms["perceptual"] = self.perceptual(
                *(x.transpose(1, 2).flatten(0, 1) for x in (decoded, video))
            )
        if settings.regularisation:
            terms["regularisation"] = image_decoding_loss(self.sub_latent_decoder(latents).float(), video)
        matching = []
        for name in playing:
            discriminator = self.discriminators[name]
            seen = discriminator.features(decoded)
            terms[name] = generator_loss(seen[-1])
            if settings.feature_matching:
                with torch.no_grad():
                    real = discriminator.features(video)
                matching.append(feature_matching_loss(seen, real))
        if matching:
            terms["feature_matching"] = torch.stack(matching).mean()
        return terms

    def export(self, folder: Path) -> None:
        """Measure the latents' normalisation, and write the weights as ``pipeline.isa.model`` reads them.

        Anchored latents keep theirs, which the transformer knows.
        """
        if self.settings.train_encoder and self.anchor is None:
            normalise_latents(self.vae, self._other_videos(_MEASURED))
        write_weights(self.vae.state_dict(), folder / "vae.safetensors")
        write_weights(self.matte_head.state_dict(), folder / "matte_head.safetensors")

    def state(self) -> dict[str, Any]:
        """What ``load`` needs to continue exactly."""
        return {
            "steps_done": self.steps_done,
            "vae": self.vae.state_dict(),
            "matte_head": self.matte_head.state_dict(),
            "sub_latent_decoder": self.sub_latent_decoder.state_dict(),
            "discriminators": self.discriminators.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "discriminator_optimizer": self.discriminator_optimizer.state_dict(),
        }

    def load(self, state: dict[str, Any]) -> None:
        self.steps_done = state["steps_done"]
        for name, part in state.items():
            if name != "steps_done":
                getattr(self, name).load_state_dict(part)

    def _fit_linear_maps(self) -> None:
        fresh = not self.settings.start
        if fresh and self.settings.linear_start and self.vae.config.window:
            fit_linear_maps(self.vae, self._other_videos(self.settings.linear_start))

    def _other_videos(self, count: int) -> Iterator[Tensor]:
        """``(B, 3, F, H, W)``: at least so many clips, the same every time, in batches."""
        for number in range(math.ceil(count / self.settings.batch)):
            yield self.batches(-1 - number)[:, :3].to(self.device)

    def _disturbed(self, latents: Tensor, generator: torch.Generator) -> Tensor:
        """Latents with as much noise as each clip draws."""
        if not self.settings.latent_noise:
            return latents
        drawn = {"generator": generator, "device": self.device}
        level = self.settings.latent_noise * torch.rand(len(latents), 1, 1, 1, 1, **drawn)
        noise = torch.randn(latents.shape, **drawn) / self.vae.latent_scale.view(-1, 1, 1, 1)
        return latents + level * noise

    def _distance(self, latents: Tensor, video: Tensor) -> Tensor:
        """The mean square of what separates latents from the anchor's, in normalised latents."""
        with torch.no_grad():
            anchored = self.anchor.encode(video).mean.float()
        return F.mse_loss(self.vae.normalise(latents), self.vae.normalise(anchored))

    def _mixed(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.settings.precision == "bf16")

    def _learning_rate(self, gone: float) -> float:
        settings = self.settings
        warm = min(1.0, (self.steps_done + 1) / max(1, settings.warm_up))
        return settings.learning_rate * warm * (0.5 + 0.5 * math.cos(math.pi * gone))


def kl_divergence(mean: Tensor, logvar: Tensor) -> Tensor:
    """KL(N(mean, exp logvar) ‖ N(0, 1)), summed over a clip's latents, averaged over the batch."""
    return 0.5 * (mean**2 + logvar.exp() - 1 - logvar).flatten(1).sum(1).mean()


def matte_loss(logits: Tensor, matte: Tensor) -> Tensor:
    """Cross entropy of alpha, both ``(B, 1, F, H, W)``; ``matte`` in [−1, 1]."""
    return F.binary_cross_entropy_with_logits(logits, (matte + 1) / 2)
