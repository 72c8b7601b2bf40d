"""Training needs no video codecs: clips are rendered, and machines that are lent for training have none."""

import subprocess
import sys

PROGRAM = """
import sys
sys.modules["av"] = None
import torch
torch.set_num_threads(1)
import isa_engine.data.samples.encoding, isa_engine.data.samples.sources, isa_engine.data.clips.sources
import isa_engine.training.assembly.assemble, isa_engine.training.dit.samples
import isa_engine.training.vae.trainer, isa_engine.training.batches.video_batches
from isa_engine.training.configuration import DiTTraining
from isa_engine.training.dit.trainer import DiTTrainer
from tests.training.micro import micro_networks, one_batch
DiTTrainer(DiTTraining(), one_batch, networks=micro_networks()).step()
print("stepped")
"""


def test_a_step_is_taken_where_av_is_not_installed():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert done.stdout == "stepped\n", done.stderr
