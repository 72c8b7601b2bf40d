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
        run: makes it happen, with all files in a folder.
        whole: whether nothing may be lost; False: something must be.
    """

    run: Callable[[Path], Outcome]
    whole: bool = True


SUITES = {
    "kill -9 of worker or service": Suite(partial(kill, kills=500)),
    "power cut": Suite(partial(cut_the_power, cuts=50)),
    **{
        f"power cut, without the {defence}": Suite(
            partial(cut_the_power, cuts=12, without=defence), whole=False
        )
        for defence in WITHOUT
    },
    "disk full": Suite(machines.fill_the_disk),
    "no inodes": Suite(machines.take_all_inodes),
    "clock a year back": Suite(lambda folder: machines.move_the_clock(folder, -1)),
    "clock ten years ahead": Suite(lambda folder: machines.move_the_clock(folder, 10)),
    "clock to and fro": Suite(lambda folder: machines.move_the_clock(folder, 3, -2, 5, 0)),
    "workers hang": Suite(machines.hang_workers),
    "queue locked": Suite(queues.lock_the_queue),
    "queue deleted": Suite(queues.delete_the_queue),
    "queue replaced": Suite(queues.replace_the_queue),
    "queue damaged": Suite(queues.damage_the_queue),
}
