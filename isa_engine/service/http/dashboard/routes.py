"""The page and its parts, each with the headers that keep a browser from running anything else."""

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse

_FILES = {
    "/": ("page.html", "text/html; charset=utf-8"),
    "/dashboard.js": ("page.js", "text/javascript; charset=utf-8"),
    "/dashboard.css": ("page.css", "text/css; charset=utf-8"),
}
PATHS = tuple(_FILES)
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def dashboard_routes() -> APIRouter:
    """The page and its parts."""
    routes = APIRouter(include_in_schema=False)
    for path in PATHS:
        routes.add_api_route(path, _giving(path), response_class=FileResponse)
    return routes


def _giving(path: str):
    name, media_type = _FILES[path]
    file = Path(__file__).with_name(name)

    async def give() -> FileResponse:
        return FileResponse(file, media_type=media_type, headers=_HEADERS)

    return give
