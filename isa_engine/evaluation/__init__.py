"""How good a model is, measured on held-out clips: the paper's tables, and how well a video obeys its scene.

| what | module |
|---|---|
| clips that no training saw | ``held_out`` |
| what a model makes of them, its baselines and its ceiling | ``candidates`` |
| how well a video obeys | ``silhouette``, ``identity``, ``camera_motion``, ``seams`` |
| how well it looks | ``fidelity`` with ``i3d``; of latents ``gaussianity`` |
| Table 1 and Fig. 5 | ``autoencoder`` |
| Table 2 | ``video`` |
| Table 4 and Fig. 14 | ``ablation``, ``ablation_runs`` |
| control | ``control`` |
| what a person reads | ``table``, ``plots``; sheets of pictures are ``pipeline.contact_sheet``'s |

In shapes F counts frames, K characters, H and W pixels; videos are ``(3, F, H, W)`` in [−1, 1].
"""

from isa_engine.networks.torchvision_operators import declare_missing

# torchmetrics imports torchvision, which beside a CPU build of torch may not load.
declare_missing()
