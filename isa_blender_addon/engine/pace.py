"""How long a phase of a job will take."""

import time


class Pace:
    """How fast a phase goes, from the steps seen so far."""

    def __init__(self):
        self.phase, self.first_step, self.began = "", 0, 0.0

    def seconds_left(self, phase: str, step: int, steps: int) -> float | None:
        now = time.monotonic()
        if phase != self.phase or step < self.first_step:
            self.phase, self.first_step, self.began = phase, step, now
        if step == self.first_step:
            return None
        return (now - self.began) / (step - self.first_step) * (steps - step)
