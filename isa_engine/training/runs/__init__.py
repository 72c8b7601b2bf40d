"""What every run has: its folder, the model whose latents it learns, what its loop asks of a trainer,
optimizers, processes that share it.
"""
