"""A page for a browser: the queue, the workers, previews, logs. It is the API's client, as any other.

The page itself holds nothing of anybody's, so it is open to all; whoever opens it enters a token there, which
stays in that tab. The browser is told to run this page's own script and nothing else, so that no name or
comment of a job can be one.
"""

from isa_engine.service.http.dashboard.routes import PATHS, dashboard_routes

__all__ = ["PATHS", "dashboard_routes"]
