"""Nodes of a Ray cluster as workers: an actor each, that has the model and the take's conditions.

What goes over the network is the conditions once; for each evaluation a node's latents and its prediction of
them; in each layer the tokens at which its windows overlap with its neighbours', from actor to actor. Ray
pickles what it sends: its nodes trust each other.
"""

import contextlib
import itertools
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import ray
from ray.actor import ActorHandle
from ray.exceptions import GetTimeoutError, RayActorError, RayError, RayTaskError
from torch import Tensor

from isa_engine.dit import Conditioning
from isa_engine.dit.background_gate import Prediction
from isa_engine.errors import EngineError
from isa_engine.pipeline.painter import load_model
from isa_engine.pipeline.spread.mail import Line, LocalMailbox, Lost, Mailbox

# How long a take waits for nodes that are to share it.
PLACING_SECONDS = 120
# A node is asked whether it lives as often as this, and is lost where it does not answer for as long as that.
BEAT_SECONDS, SILENT_SECONDS = 5, 30
_POLL_SECONDS = 0.5

log = logging.getLogger(__name__)


class Silent(Exception):
    """A node does not answer any more."""


class NodeMailbox:
    """A ``Mailbox`` in the memory of a node, for the processes of all others."""

    def __init__(self, node: ActorHandle, evaluation: int):
        self.node, self.evaluation = node, evaluation
        self._over = False

    def put(self, worker: int, call: int, tokens: Tensor) -> None:
        # Nobody waits for it: where it does not arrive the node is lost, and whoever asked that finds out.
        self.node.put.remote(self.evaluation, worker, call, tokens.cpu())

    def take(self, worker: int, call: int) -> Tensor:
        tokens = self.node.take.remote(self.evaluation, worker, call)
        while not self._over:
            if ray.wait([tokens], timeout=_POLL_SECONDS)[0]:
                try:
                    return ray.get(tokens)
                except RayError as error:
                    raise Lost from error
        raise Lost

    def hang_up(self) -> None:
        self._over = True
        self.node.hang_up.remote(self.evaluation)


class Companion:
    """The actor: a model on a node, which makes its share of a take's evaluations.

    ``share`` has a thread; mail and questions have others, so that they get through while it works.
    """

    def __init__(self):
        self.model: Any = None
        self._told: dict[int, Conditioning] = {}
        self._points: dict[int, list[Tensor]] = {}
        self._mail: dict[int, LocalMailbox] = {}

    def node(self) -> str:
        """The id of the node that it is on."""
        return ray.get_runtime_context().get_node_id()

    def load(self, name: str) -> str:
        """Load a model; answers with its weights."""
        self.model = load_model(name)
        return self.model.weights

    def tell(self, number: int, conditioning: Conditioning) -> None:
        """Conditions of evaluations that come, by a number; the last two are kept."""
        latest = list(self._told.items())[-1:]
        self._told = {**dict(latest), number: conditioning.to(self.model.device)}

    def share(
        self, latents: Tensor, timestep: Tensor, told: int, line: Line, points: int | None
    ) -> Prediction:
        """
        Args:
            told: number of the conditions.
            points: number of the points; those of a new number are moved, and take the place of the last.
        """
        evaluation = line.mailboxes[line.number].evaluation
        for earlier in [number for number in self._mail if number < evaluation]:
            self._mail.pop(earlier).hang_up()
        own = ray.get_runtime_context().current_actor
        boxes = [self._mailbox(evaluation) if box.node == own else box for box in line.mailboxes]
        if points is not None and points not in self._points:
            self._points = {points: []}
        kept = None if points is None else self._points[points]
        given = latents.to(self.model.device), timestep.to(self.model.device), self._told[told]
        found = self.model.predict_share(*given, Line(line.number, boxes), kept)
        return Prediction(*(None if part is None else part.cpu() for part in found))

    @ray.method(concurrency_group="mail")
    def put(self, evaluation: int, worker: int, call: int, tokens: Tensor) -> None:
        self._mailbox(evaluation).put(worker, call, tokens)

    @ray.method(concurrency_group="mail")
    def take(self, evaluation: int, worker: int, call: int) -> Tensor:
        return self._mailbox(evaluation).take(worker, call).cpu()

    @ray.method(concurrency_group="mail")
    def hang_up(self, evaluation: int) -> None:
        self._mailbox(evaluation).hang_up()

    @ray.method(concurrency_group="mail")
    def alive(self) -> None:
        """Answers."""

    def _mailbox(self, evaluation: int) -> LocalMailbox:
        # Mail may come before the evaluation does.
        return self._mail.setdefault(evaluation, LocalMailbox())


class Node:
    """A ``Worker`` on a node.

    Args:
        shelf: what the object store keeps for all nodes of a take.
    """

    def __init__(self, actor: ActorHandle, node: str, shelf: "Shelf"):
        self.actor, self.name, self.shelf = actor, f"node {node[:8]}", shelf

    def mailbox(self, evaluation: int) -> Mailbox:
        return NodeMailbox(self.actor, evaluation)

    def told(self, conditioning: Conditioning) -> int:
        number, kept = self.shelf.kept(conditioning)
        self.actor.tell.remote(number, kept)
        return number

    def share(
        self, latents: Tensor, timestep: Tensor, told: int, line: Line, points: list[int] | None
    ) -> Prediction:
        if points is not None and not points:
            points.append(next(self.shelf.numbers))
        given = latents.cpu(), timestep.cpu(), told, line, points[0] if points else None
        return _answer(self.actor, self.actor.share.remote(*given))

    def leave(self) -> None:
        ray.kill(self.actor)


class Shelf:
    """Conditions in the object store, once for all nodes, and numbers for what nodes keep.

    Only the last two conditions stay.
    """

    def __init__(self):
        self.numbers = itertools.count()
        self._kept: list[tuple[Conditioning, int, Any]] = []
        self._lock = threading.Lock()

    def kept(self, conditioning: Conditioning) -> tuple[int, Any]:
        """Their number, and the reference to them."""
        with self._lock:
            for original, number, reference in self._kept:
                if original is conditioning:
                    return number, reference
            new = conditioning, next(self.numbers), ray.put(conditioning.to("cpu"))
            self._kept = [*self._kept[-1:], new]
            return new[1:]


def _answer(actor: ActorHandle, asked: ray.ObjectRef) -> Any:
    """What an actor was asked for, however long it works on it.

    Raises:
        Silent: it is not dead, but does not answer.
        RayError: it is dead, or what it was asked for failed.
    """
    while not ray.wait([asked], timeout=BEAT_SECONDS)[0]:
        try:
            ray.get(actor.alive.remote(), timeout=SILENT_SECONDS)
        except GetTimeoutError as error:
            raise Silent from error
    return ray.get(asked)


@contextlib.contextmanager
def companions(name: str, count: int, place: dict[str, float]) -> Iterator[Callable[[str], tuple[Node, ...]]]:
    """Nodes that share a take with this process; they are free again at the end.

    Args:
        name: of the model.
        count: of the nodes.
        place: what each takes of its node, in Ray's words.

    Yields:
        from the model's weights to the nodes, once they have loaded it; as many as are found within
        ``PLACING_SECONDS``.

    Raises:
        EngineError: from what is yielded: a node has other weights.
    """
    actor = ray.remote(concurrency_groups={"mail": 4})(Companion).options(**place)
    actors = [actor.remote() for _ in range(count)]
    places = {each.node.remote(): each for each in actors}
    loading = {each: each.load.remote(name) for each in actors}

    def joined(weights: str) -> tuple[Node, ...]:
        found, missing = ray.wait(list(places), num_returns=count, timeout=PLACING_SECONDS)
        if missing:
            log.warning("%d of %d nodes are not free: the take goes on without them", len(missing), count + 1)
        for each in missing:
            ray.kill(places[each])
        shelf, nodes = Shelf(), []
        for each in found:
            try:
                node, theirs = ray.get(each), _answer(places[each], loading[places[each]])
            except (RayActorError, Silent) as error:
                log.warning("a node is lost before the take begins: %s", type(error).__name__)
                continue
            except RayTaskError as error:
                raise error.cause from error
            if theirs != weights:
                problem = f"node {node[:8]} has other weights of '{name}' than the one that leads the take"
                raise EngineError(problem, remedy="Install the same weights on all nodes.")
            nodes.append(Node(places[each], node, shelf))
        log.info("the take is shared with %s", ", ".join(node.name for node in nodes) or "nobody")
        return tuple(nodes)

    try:
        yield joined
    finally:
        for each in actors:
            ray.kill(each)
