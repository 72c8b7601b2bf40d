"""Takes on a render farm: a bundle of shots that any scheduler of command lines can run in chunks.

A take is denoised as a whole, for over its steps every latent depends on every other; its frames are decoded
in spans that need nothing of each other (``pipeline.decode``), and one task joins them. So a bundle is
parallel over its takes, and over the spans of each. What comes out equals a run on one machine.

``job`` is the bundle, ``openjd`` its template; ``eligibility`` says who may work on it, ``tasks`` what they
do, and ``engine`` keeps the model loaded between tasks. Bundles are made without torch.
"""
