"""What every run has: its folder, its optimizers, the processes that share it."""
