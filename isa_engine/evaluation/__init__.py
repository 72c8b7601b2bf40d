"""How good a model is, measured on held-out clips: the paper's tables, and how well a video obeys its scene.

A table goes through the rooms in this order:

| what | room |
|---|---|
| clips that no training saw, and kinds of them | ``held_out`` |
| what a model makes of them, its baselines and its ceiling | ``candidates`` |
| how well each video obeys: outlines, identity, camera, seams, shadows; how well it looks | ``measures`` |
| the measures of all clips as a table: control, Tables 1 and 2, limits, length, speed | ``tables`` |
| Table 4 and Fig. 14, with the training of its runs | ``ablation`` |
| poses found in pictures, for which nothing is generated | ``detection`` |
| what a person reads | ``reporting``; sheets of pictures are ``pipeline.contact_sheet``'s |

In shapes F counts frames, K characters, H and W pixels; videos are ``(3, F, H, W)`` in [−1, 1].
"""

from isa_engine.networks.torchvision_operators import declare_missing

# torchmetrics imports torchvision, which beside a CPU build of torch may not load.
declare_missing()
