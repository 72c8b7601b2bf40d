"""What a monitoring system asks for: the queue, the workers, the requests, in Prometheus' text format."""

import contextlib
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from isa_engine.client.protocol import PREFIX, TRANSITIONS
from isa_engine.service.http.feed import Feed
from isa_engine.service.queue.history import History
from isa_engine.service.queue.store import JobStore

# Methods that are not listed count as one: anybody may invent others, and each would be a time series.
_METHODS = ("GET", "POST", "DELETE")
MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """Numbers of one service; those of the queue are read when they are asked for."""

    def __init__(self, store: JobStore, feed: Feed, data: Path):
        self.store, self.feed, self.data = store, feed, data
        self.history = History(store)
        self.registry = CollectorRegistry()
        labels = ("method", "route", "status")
        self.requests = Counter("isa_http_requests", "Requests answered", labels, registry=self.registry)
        self.seconds = Histogram(
            "isa_http_seconds", "Time to the first byte of an answer", ("route",), registry=self.registry
        )
        self.registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """Called by the registry."""
        jobs = GaugeMetricFamily("isa_jobs", "Jobs by state", labels=("state",))
        counts = self.store.counts()
        for state in TRANSITIONS:
            jobs.add_metric((state,), counts.get(state, 0))
        workers = GaugeMetricFamily("isa_workers", "Workers by state", labels=("state",))
        states = [worker.state for worker in self.store.workers()]
        for state in ("starting", "ready", "stopped"):
            workers.add_metric((state,), states.count(state))
        yield from (jobs, workers, *self._endings())
        yield GaugeMetricFamily("isa_event_streams", "Open event streams", self.feed.streams)
        # None where the folder went away.
        with contextlib.suppress(OSError):
            free = shutil.disk_usage(self.data).free
            yield GaugeMetricFamily("isa_disk_free_bytes", "Free bytes on the data folder's disk", free)

    def _endings(self) -> Iterator[Metric]:
        """Jobs that ended, and how long they waited and ran, over the queue's whole record."""
        labels = ("state", "reason")
        ended = CounterMetricFamily("isa_jobs_ended", "Jobs that ended, by how and why", labels=labels)
        waited = SummaryMetricFamily("isa_job_waiting_seconds", "Until it began", labels=labels)
        ran = SummaryMetricFamily("isa_job_running_seconds", "Until it ended", labels=labels)
        for state, reason, count, waiting, running in self.history.sums():
            ended.add_metric((state, reason), count)
            waited.add_metric((state, reason), count, waiting)
            ran.add_metric((state, reason), count, running)
        yield from (ended, waited, ran)

    def text(self) -> bytes:
        return generate_latest(self.registry)


class Measured:
    """ASGI middleware that counts; a label is a route's pattern, never a path, so that labels stay few."""

    def __init__(self, app: ASGIApp, metrics: Metrics):
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                # Some versions of FastAPI name a route with its prefix, others without.
                route = getattr(scope.get("route"), "path", "none").removeprefix(PREFIX)
                method = scope["method"] if route != "none" and scope["method"] in _METHODS else "none"
                self.metrics.requests.labels(method, route, message["status"]).inc()
                self.metrics.seconds.labels(route).observe(time.perf_counter() - began)
            await send(message)

        await self.app(scope, receive, counted)
