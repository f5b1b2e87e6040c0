"""The dashboard at /app/, and its files under /app/assets/."""

import os
from collections.abc import Callable
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from app.bundle_files import BundleFiles
from app.dashboard import build
from app.missing_bundle import render_notice

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
        if not build.is_built(bundle):
            return render_notice("the dashboard", bundle, build.__name__)
        path = bundle / "index.html"
        response = files.file_response(path, os.stat(path), request.scope)
        response.headers.update(_PAGE_HEADERS)
        return response

    return serve_page
