"""Wan-VACE in a thimble: random components of the real classes, saved as their makers save them."""

import json
from pathlib import Path

import torch

from isa_engine.networks.torchvision_operators import declare_missing

WORDS = ("<pad>", "</s>", "<unk>", "a", "red", "blue", "coat", "street", "rain", ".")
TRANSFORMER = {
    "patch_size": (1, 2, 2),
    "num_attention_heads": 2,
    "attention_head_dim": 12,
    "in_channels": 16,
    "out_channels": 16,
    "text_dim": 32,
    "freq_dim": 32,
    "ffn_dim": 48,
    "num_layers": 3,
    "rope_max_seq_len": 64,
    "vace_layers": [0, 2],
    "vace_in_channels": 96,
}


def write_tiny(folder: Path) -> Path:
    """A whole model's folder."""
    declare_missing()
    from diffusers import AutoencoderKLWan, WanVACETransformer3DModel
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, UMT5Config, UMT5EncoderModel

    torch.manual_seed(0)
    vae = AutoencoderKLWan(base_dim=3, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1)
    text = UMT5Config(
        vocab_size=len(WORDS),
        d_model=32,
        d_kv=8,
        d_ff=37,
        num_layers=2,
        num_heads=4,
        feed_forward_proj="gated-gelu",
    )
    words = Tokenizer(models.WordLevel({word: k for k, word in enumerate(WORDS)}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    tokens = PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    )
    transformer = WanVACETransformer3DModel(**TRANSFORMER)
    for name, part in (
        ("transformer", transformer),
        ("vae", vae),
        ("text_encoder", UMT5EncoderModel(text)),
        ("tokenizer", tokens),
    ):
        part.save_pretrained(folder / name)
    index = {"_class_name": "WanVACEPipeline", "scheduler": ["diffusers", "UniPCMultistepScheduler"]}
    (folder / "model_index.json").write_text(json.dumps(index))
    (folder / "README.md").write_text("---\nlanguage: en\nlicense: apache-2.0\n---\n# Tiny\n")
    return folder
