"""The VideoVAE's training (paper, 4.2; Eqs. 1 and 2), and beside it the matte head's.

Step k's clips, crops and noise depend on the seed and on k alone, so an interrupted run that loads its
checkpoint goes on as if nothing had happened.
"""

import dataclasses
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from isa_engine.configuration import model_config
from isa_engine.errors import ModelError
from isa_engine.networks.weight_files import load_weights
from isa_engine.pipeline.model import build_matte_head
from isa_engine.training.configuration import VAETraining
from isa_engine.training.discriminators import PatchDiscriminator, discriminator_loss, generator_loss
from isa_engine.training.image_decoding import SubLatentDecoder, image_decoding_loss
from isa_engine.training.linear_start import fit_linear_maps
from isa_engine.training.optimizers import make_optimizer
from isa_engine.training.perceptual import LPIPS
from isa_engine.vae import VideoVAE

# ``batches(step)`` gives colours and mattes, ``(B, 4, F, H, W)`` in [−1, 1]; see ``video_batches``.
BatchSource = Callable[[int], Tensor]
# Clips whose latents are measured for their normalisation, those that are decoded again for each channel, by
# how much of its deviation a channel is disturbed there, and the deviation of the widest one afterwards.
_MEASURED, _DISTURBED, _DISTURBANCE, _WIDEST = 32, 2, 0.3, 2.0


class VAETrainer:
    """Everything that a step of VAE training reads and writes.

    Args:
        settings: of the run.
        batches: what to learn from.
        device: of the networks.
        vae: network to train; one of the named configuration if None.

    Raises:
        ModelError: the weights to start from do not fit, or the perceptual loss has none.
    """

    def __init__(
        self,
        settings: VAETraining,
        batches: BatchSource,
        device: torch.device | str = "cpu",
        vae: VideoVAE | None = None,
    ):
        self.settings, self.batches, self.device = settings, batches, torch.device(device)
        torch.manual_seed(settings.seed)
        vae = vae or VideoVAE(**dataclasses.asdict(model_config(settings.model).vae))
        self.vae = vae.to(device)
        self.matte_head = build_matte_head(model_config(settings.model)).to(device)
        if settings.start:
            for part in ("vae", "matte_head"):
                load_weights(getattr(self, part), Path(settings.start) / f"{part}.safetensors")
        channels = vae.config.latent_channels
        self.sub_latent_decoder = SubLatentDecoder(channels, vae.spatial_compression).to(device)
        self.discriminators = torch.nn.ModuleDict(
            {"gan_2d": PatchDiscriminator(2), "gan_3d": PatchDiscriminator(3)}
        ).to(device)
        self.perceptual = None
        if settings.perceptual:
            if not settings.lpips:
                remedy = "Name the weights with 'lpips', or set 'perceptual' to 0."
                raise ModelError("the perceptual loss has no network", remedy=remedy)
            self.perceptual = LPIPS.load(settings.lpips).to(device)
        if not settings.train_encoder:
            vae.encoder.requires_grad_(False)
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
            self.discriminators.parameters(), settings.learning_rate, betas=(0.5, 0.9), weight_decay=0.0
        )
        self.steps_done = 0

    @property
    def finished(self) -> bool:
        return self.steps_done >= sum(self.settings.steps)

    def step(self) -> dict[str, float]:
        """One optimiser step of the VAE and, once they play, of the discriminators.

        Returns:
            Each term of Eq. 1, unweighted, by name; the matte head's loss; the discriminators'.
        """
        settings = self.settings
        if self.steps_done == 0:
            self._fit_linear_maps()
        generator = torch.Generator().manual_seed(2 * (settings.seed * 2**32 + self.steps_done) + 1)
        video, matte = self.batches(self.steps_done).to(self.device).split([3, 1], 1)
        for optimizer in (self.optimizer, self.discriminator_optimizer):
            for group in optimizer.param_groups:
                group["lr"] = self._learning_rate()

        posterior = self.vae.encode(video)
        latents = posterior.sample(generator)
        decoded = self.vae.decode(latents)
        terms = self.terms(video, latents, posterior, decoded)
        weighted = [getattr(settings, name) * value for name, value in terms.items()]
        # The latents are as they are: the autoencoder does not learn to please the matte head.
        terms["matte"] = matte_loss(self.matte_head(latents.detach()), matte)
        loss = torch.stack([*weighted, terms["matte"]]).sum()
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.vae.parameters(), 1.0)
        self.optimizer.step()

        playing = self._playing()
        if playing:
            losses = {name: discriminator_loss(self.discriminators[name], video, decoded) for name in playing}
            self.discriminator_optimizer.zero_grad()
            torch.stack(list(losses.values())).sum().backward()
            self.discriminator_optimizer.step()
            terms |= {f"discriminator_{name[4:]}": value for name, value in losses.items()}
        self.steps_done += 1
        return {name: value.item() for name, value in terms.items()}

    def terms(self, video: Tensor, latents: Tensor, posterior: Any, decoded: Tensor) -> dict[str, Tensor]:
        """The terms of Eq. 1 whose weights are not zero, by the names of ``VAETraining``."""
        settings = self.settings
        terms = {"l1": F.l1_loss(decoded, video)}
        if settings.l2:
            terms["l2"] = F.mse_loss(decoded, video)
        if settings.kl:
            terms["kl"] = kl_divergence(posterior.mean, posterior.logvar)
        if self.perceptual is not None:
            terms["perceptual"] = self.perceptual(
                *(x.transpose(1, 2).flatten(0, 1) for x in (decoded, video))
            )
        if settings.regularisation:
            terms["regularisation"] = image_decoding_loss(self.sub_latent_decoder(latents), video)
        for name in self._playing():
            terms[name] = generator_loss(self.discriminators[name], decoded)
        return terms

    def export(self, folder: Path) -> None:
        """Measure the latents' normalisation, and write the weights as ``pipeline.model`` reads them."""
        if self.settings.train_encoder:
            self._measure_latents()
        save_file(self.vae.state_dict(), folder / "vae.safetensors")
        save_file(self.matte_head.state_dict(), folder / "matte_head.safetensors")

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

    def _playing(self) -> list[str]:
        if self.steps_done < self.settings.gan_from:
            return []
        return [name for name in ("gan_2d", "gan_3d") if getattr(self.settings, name)]

    def _learning_rate(self) -> float:
        settings = self.settings
        progress = min(1.0, self.steps_done / max(1, sum(settings.steps)))
        warm = min(1.0, (self.steps_done + 1) / max(1, settings.warm_up))
        return settings.learning_rate * warm * (0.55 + 0.45 * math.cos(math.pi * progress))

    @torch.no_grad()
    def _measure_latents(self) -> None:
        """Normalise so that an error of a channel costs the picture as much as an equal one of any other.

        Channels of equal deviation would have the transformer learn grain as eagerly as colours, and be told
        of both at the same noise. Pictures have their structure in few strong channels, as a photograph has
        it in low frequencies: those are left the strongest.
        """
        latents = torch.cat([self.vae.encode(video).mode() for video in self._other_videos(_MEASURED)])
        values = latents.transpose(0, 1).flatten(1)
        deviation = values.std(1, correction=0)
        scale = self._weights(latents[:_DISTURBED], _DISTURBANCE * deviation)
        self.vae.set_normalisation(values.mean(1), scale * (_WIDEST / (scale * deviation).amax()))

    def _weights(self, latents: Tensor, disturbances: Tensor) -> Tensor:
        """What a unit of each channel changes in the picture, root mean square: ``(C,)``."""
        undisturbed = self.vae.decode(latents)
        noise = torch.randn(latents[:, 0].shape, generator=torch.Generator().manual_seed(0)).to(latents)
        weights = []
        for channel, disturbance in enumerate(disturbances):
            disturbed = latents.clone()
            disturbed[:, channel] += disturbance * noise
            change = self.vae.decode(disturbed) - undisturbed
            weights.append(change.square().mean().sqrt() / disturbance)
        return torch.stack(weights)


def kl_divergence(mean: Tensor, logvar: Tensor) -> Tensor:
    """KL(N(mean, exp logvar) ‖ N(0, 1)), summed over a clip's latents, averaged over the batch."""
    return 0.5 * (mean**2 + logvar.exp() - 1 - logvar).flatten(1).sum(1).mean()


def matte_loss(logits: Tensor, matte: Tensor) -> Tensor:
    """Cross entropy of alpha, both ``(B, 1, F, H, W)``; ``matte`` in [−1, 1]."""
    return F.binary_cross_entropy_with_logits(logits, (matte + 1) / 2)
