"""The GraphiQL page at GET /graphql."""

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

import orjson
from starlette.responses import HTMLResponse, Response

from app.graphiql import build
from app.missing_bundle import render_notice

TAB_OPERATIONS = (
    "list_segments",
    "upsert_customer",
    "create_passive_segment",
    "preview_filter",
    "check_membership",
    "show_customer",
    "follow_transitions",
)
"""File names of the example operations that GraphiQL opens as tabs."""

# A wheel has the operations in this package; a checkout has them in graphql-schema/.
_OPERATION_FOLDERS = (
    build.PACKAGE_FOLDER / "operations",
    build.PACKAGE_FOLDER.parent.parent / "graphql-schema" / "operations",
)

_CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "worker-src 'self'",
        "connect-src 'self'",
        # Monaco, GraphiQL's editor, writes its styles into the page.
        "style-src 'self' 'unsafe-inline'",
        "font-src 'self' data:",
        "img-src 'self' data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)

_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": _CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept",
    "X-Content-Type-Options": "nosniff",
}
_PAGE_TEMPLATE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Customer segments: GraphiQL</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{path}/static/graphiql.css">
<style>html, body, #graphiql {{ height: 100%; margin: 0 }}</style>
</head>
<body>
<div id="graphiql" data-endpoint="{path}" data-tabs="{tabs}">Loading …</div>
<script src="{path}/static/graphiql.js"></script>
</body>
</html>
"""


def render_graphiql_page(path: str, bundle: Path) -> Response:
    """Returns the page for the endpoint `path`; without a bundle, one that says so."""
    if not build.is_built(bundle):
        return render_notice("GraphiQL", bundle, build.__name__)
    tabs = orjson.dumps(list(read_tabs(TAB_OPERATIONS))).decode()
    return HTMLResponse(
        _PAGE_TEMPLATE.format(path=escape(path), tabs=escape(tabs)), headers=_HEADERS
    )


def read_tabs(operation_names: Sequence[str]) -> Iterator[dict[str, str]]:
    """Reads the operations and their variables as GraphiQL's `defaultTabs`."""
    folder = next(
        (folder for folder in _OPERATION_FOLDERS if folder.is_dir()), build.PACKAGE_FOLDER
    )
    for name in operation_names:
        query, variables = folder / f"{name}.graphql", folder / f"{name}.json"
        if query.is_file():
            tab = {"query": query.read_text("utf-8")}
            if variables.is_file():
                tab["variables"] = variables.read_text("utf-8")
            yield tab
