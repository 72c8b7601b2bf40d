"""The tokens that workers pass each other within an evaluation."""

import itertools
import threading
from typing import Protocol

from torch import Tensor


class Lost(Exception):
    """Another worker failed in the middle of an evaluation."""


class Mailbox(Protocol):
    """Where the mail of a worker lies, or of several, within one evaluation."""

    def put(self, worker: int, call: int, tokens: Tensor) -> None:
        """Leave tokens for a worker to take at its n-th call."""
        ...

    def take(self, worker: int, call: int) -> Tensor:
        """What was left for a worker's n-th call, as soon as it is there.

        Raises:
            Lost: it will not come.
        """
        ...

    def hang_up(self) -> None:
        """Whoever waits here, or will, waits in vain."""
        ...


class LocalMailbox:
    """A ``Mailbox`` in the memory of this process."""

    def __init__(self):
        self._changed = threading.Condition()
        self._tokens: dict[tuple[int, int], Tensor] = {}
        self._over = False

    def put(self, worker: int, call: int, tokens: Tensor) -> None:
        with self._changed:
            self._tokens[worker, call] = tokens
            self._changed.notify_all()

    def take(self, worker: int, call: int) -> Tensor:
        with self._changed:
            self._changed.wait_for(lambda: self._over or (worker, call) in self._tokens)
            if self._over:
                raise Lost
            return self._tokens.pop((worker, call))

    def hang_up(self) -> None:
        with self._changed:
            self._over = True
            self._tokens.clear()
            self._changed.notify_all()


class Line:
    """A worker's ``dit.shared_windows.Neighbours``.

    All workers make the same calls in the same order, so the number of a call says which tokens are which.

    Args:
        mailboxes: of all workers.
    """

    def __init__(self, number: int, mailboxes: list[Mailbox]):
        self.number, self.count, self.mailboxes = number, len(mailboxes), mailboxes
        self._calls = itertools.count()

    def back(self, lent: Tensor, borrowed: Tensor) -> Tensor:
        return self._passed(lent, self.number - 1, borrowed, self.number + 1)

    def on(self, given: Tensor, taken: Tensor) -> Tensor:
        return self._passed(given, self.number + 1, taken, self.number - 1)

    def from_first(self, tokens: Tensor) -> Tensor:
        call = next(self._calls)
        if self.number:
            return self._taken(call, tokens)
        for other in range(1, self.count):
            self.mailboxes[other].put(other, call, tokens)
        return tokens

    def _passed(self, given: Tensor, to: int, like: Tensor, source: int) -> Tensor:
        call, known = next(self._calls), range(self.count)
        if to in known:
            self.mailboxes[to].put(to, call, given)
        return self._taken(call, like) if source in known else like

    def _taken(self, call: int, like: Tensor) -> Tensor:
        return self.mailboxes[self.number].take(self.number, call).to(like)
