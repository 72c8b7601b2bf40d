"""First block cache (diffusers' ``FirstBlockCacheConfig``) of a Wan-VACE.

Where what the first block adds to the tokens is nearly what it was when the network last ran whole, the
others are skipped, and what they added then is added again.

diffusers' hooks take the blocks for all that there is, while VACE adds a hint after some of them, outside of
any. Kept with what the blocks add, hints would be added twice. So each is added within its block, and the
network is told hints of zero.
"""

from collections.abc import Callable

from diffusers.hooks import FirstBlockCacheConfig, HookRegistry, ModelHook
from torch import Tensor, nn

from isa_engine.pipeline.velocity import Memory

# ``network(latents, time, branch)`` to a velocity; a branch of guidance has what is cached for itself.
Network = Callable[[Tensor, Tensor, str], Tensor]
_HOOK = "hint_within_block"


class FirstBlockCache:
    """A network that runs whole where its first block's answer has changed by more than a threshold.

    All that is cached follows from the last whole run of each branch, and it is large; so the memory has the
    latents and the time of that run, and a denoising that goes on from it runs there anew.

    Args:
        network: runs the transformer, each branch in a ``cache_context`` of its own.
        threshold: mean absolute change, as a share of the mean absolute answer.
        memory: empty, or a checkpoint's.
    """

    def __init__(self, network: Network, transformer: nn.Module, threshold: float, memory: Memory):
        self.network, self.transformer, self.memory = network, transformer, memory
        self._begun: set[str] = set()
        # A denoising that was cancelled has left its own.
        self.forget()
        self._blocks = _hints_within_blocks(transformer)
        transformer.enable_cache(FirstBlockCacheConfig(threshold))

    def __call__(self, latents: Tensor, time: Tensor, branch: str) -> Tensor:
        then = f"cache.{branch}.latents", f"cache.{branch}.time"
        if branch not in self._begun and then[0] in self.memory:
            self.network(*(self.memory[name] for name in then), branch)
        self._begun.add(branch)
        self._blocks.run = 0
        velocity = self.network(latents, time, branch)
        if self._blocks.run == len(self.transformer.blocks):
            self.memory.update(zip(then, (latents, time), strict=True))
        return velocity

    def forget(self) -> None:
        """Let go of what is cached; the transformer is as it was loaded."""
        if self.transformer.is_cache_enabled:
            self.transformer.disable_cache()
        HookRegistry.check_if_exists_or_initialize(self.transformer).remove_hook(_HOOK, recurse=True)


class _Blocks:
    """
    Attributes:
        run: how many blocks ran, of the forward pass.
        hints: of the forward pass, by the layers after which they are added.
    """

    def __init__(self):
        self.run = 0
        self.hints: dict[int, Tensor] = {}


class _Told(ModelHook):
    """On a control block: keeps its hint, and tells the network one of zero."""

    def __init__(self, blocks: _Blocks, layer: int):
        super().__init__()
        self.blocks, self.layer = blocks, layer

    def post_forward(self, module: nn.Module, output: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        hint, control = output
        self.blocks.hints[self.layer] = hint
        return hint.new_zeros(1).expand_as(hint), control


class _Added(ModelHook):
    """On a main block: adds its hint, if it has one."""

    def __init__(self, blocks: _Blocks, layer: int):
        super().__init__()
        self.blocks, self.layer = blocks, layer

    def post_forward(self, module: nn.Module, output: Tensor) -> Tensor:
        self.blocks.run += 1
        hint = self.blocks.hints.get(self.layer)
        return output if hint is None else output + hint


def _hints_within_blocks(transformer: nn.Module) -> _Blocks:
    blocks = _Blocks()
    for layer, block in zip(transformer.config.vace_layers, transformer.vace_blocks, strict=True):
        HookRegistry.check_if_exists_or_initialize(block).register_hook(_Told(blocks, layer), _HOOK)
    # On every block, with a hint or without: where blocks are fetched ahead, diffusers takes one of its own
    # hooks away after the first forward pass, and with it what the next above it does. That must not be the
    # cache's.
    for layer, block in enumerate(transformer.blocks):
        HookRegistry.check_if_exists_or_initialize(block).register_hook(_Added(blocks, layer), _HOOK)
    return blocks
