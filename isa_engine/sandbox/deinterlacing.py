"""Interlaced video as players show it: each frame whole, and not every other line a moment later."""

from collections.abc import Iterable, Iterator

import av
import av.error
from av.filter import Graph

# A frame for each; those that the file does not say to be interlaced pass as they are.
_FILTER = "bwdif", "mode=send_frame:deint=interlaced"


def deinterlaced(frames: Iterable[av.VideoFrame]) -> Iterator[av.VideoFrame]:
    """A video's frames, those that are interlaced made whole; each is shown when it was.

    Raises:
        av.error.FFmpegError: they cannot be decoded.
    """
    graph = kind = None
    for frame in frames:
        found = frame.width, frame.height, frame.format.name
        if graph is not None and found != kind:
            yield from _rest(graph)
            graph = None
        if graph is None and not frame.interlaced_frame:
            yield frame
            continue
        if graph is None:
            graph, kind = _graph(frame), found
        graph.push(frame)
        yield from _ready(graph)
    if graph is not None:
        yield from _rest(graph)


def _graph(frame: av.VideoFrame) -> Graph:
    graph = Graph()
    # The process may start no others.
    graph.threads = 1
    form = {"width": frame.width, "height": frame.height, "format": frame.format.name}
    nodes = graph.add_buffer(**form, time_base=frame.time_base), graph.add(*_FILTER), graph.add("buffersink")
    graph.link_nodes(*nodes).configure()
    return graph


def _ready(graph: Graph) -> Iterator[av.VideoFrame]:
    while True:
        try:
            yield graph.vpull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return


def _rest(graph: Graph) -> Iterator[av.VideoFrame]:
    graph.push(None)
    yield from _ready(graph)
