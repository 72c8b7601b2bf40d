"""What every run has: its folder, what its loop asks of a trainer, optimizers, processes that share it."""
