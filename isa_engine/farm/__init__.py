"""Takes on a render farm: a bundle of shots that any scheduler of command lines can run in chunks.

A take is denoised by one task, since at each step every latent depends on every other. Its frames are
decoded in spans that do not depend on each other (``pipeline.isa.decode``), and a last task joins them. So
takes run in parallel, and so do the spans of a take. The results equal those of one machine.

``job`` is the bundle, ``openjd`` its template; ``eligibility`` says who may work on it, ``tasks`` what they
do, and ``engine`` keeps the model loaded between tasks. Bundles are made without torch.
"""
