"""What can happen to an engine and its machine, each as it is tried."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.service.crashes import machines, queues
from tests.service.crashes.kills import kill
from tests.service.crashes.ledger import Outcome
from tests.service.crashes.power import cut_the_power
from tests.service.stub_engine import WITHOUT


@dataclass(frozen=True)
class Suite:
    """One kind of crash.

    Attributes:
        trials: make it happen, each with all its files in a folder of its own. They know nothing of each
            other, so that some can run at once.
        whole: whether nothing may be lost; False: something must be.
    """

    trials: tuple[Callable[[Path], Outcome], ...]
    whole: bool = True


def _one(trial: Callable[..., Outcome], *arguments: float) -> Suite:
    return Suite((lambda folder: trial(folder, *arguments),))


SUITES = {
    "kill -9 of worker or service": Suite(tuple(partial(kill, kills=125, seed=seed) for seed in range(4))),
    "power cut": Suite(tuple(partial(cut_the_power, cuts=25, seed=seed) for seed in range(2))),
    **{
        f"power cut, without the {defence}": Suite(
            (partial(cut_the_power, cuts=12, without=defence),), whole=False
        )
        for defence in WITHOUT
    },
    "disk full": _one(machines.fill_the_disk),
    "no inodes": _one(machines.take_all_inodes),
    "clock a year back": _one(machines.move_the_clock, -1),
    "clock ten years ahead": _one(machines.move_the_clock, 10),
    "clock to and fro": _one(machines.move_the_clock, 3, -2, 5, 0),
    "workers hang": _one(machines.hang_workers),
    "queue locked": _one(queues.lock_the_queue),
    "queue deleted": _one(queues.delete_the_queue),
    "queue replaced": _one(queues.replace_the_queue),
    "queue damaged": _one(queues.damage_the_queue),
}
