"""The GraphiQL page at GET /graphql."""

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

import orjson
from starlette.responses import HTMLResponse, Response
from strawberry.http.ides import get_graphql_ide_html

from app.graphiql.build import PACKAGE_FOLDER, is_built

TAB_OPERATIONS = (
    "list_segments",
    "create_passive_segment",
    "preview_filter",
    "check_membership",
    "show_customer",
)
"""File names of the example operations that GraphiQL opens as tabs."""

# A wheel has the operations in this package; a checkout has them in graphql-schema/.
_OPERATION_FOLDERS = (
    PACKAGE_FOLDER / "operations",
    PACKAGE_FOLDER.parent.parent / "graphql-schema" / "operations",
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

_NETWORK_NOTICE = """
<p role="status" style="position: fixed; bottom: 0; left: 0; right: 0; margin: 0; padding: 6px;
z-index: 99; background: #fff3cd; color: #333; font: 14px sans-serif">
This page loads GraphiQL from unpkg.com. To use it without the network, install Node.js, run
<code>python -m app.graphiql.build</code> and reload.</p>
"""


def render_graphiql_page(path: str, bundle: Path) -> Response:
    """Returns the page for the endpoint `path`. Without a bundle it loads GraphiQL from unpkg."""
    headers = {"Referrer-Policy": "no-referrer", "Cache-Control": "no-cache", "Vary": "Accept"}
    if not is_built(bundle):
        return HTMLResponse(
            get_graphql_ide_html().replace("<body>", "<body>" + _NETWORK_NOTICE), headers=headers
        )
    headers["Content-Security-Policy"] = _CONTENT_SECURITY_POLICY
    tabs = orjson.dumps(list(read_tabs(TAB_OPERATIONS))).decode()
    return HTMLResponse(
        _PAGE_TEMPLATE.format(path=escape(path), tabs=escape(tabs)), headers=headers
    )


def read_tabs(operation_names: Sequence[str]) -> Iterator[dict[str, str]]:
    """Reads the operations and their variables as GraphiQL's `defaultTabs`."""
    folder = next((folder for folder in _OPERATION_FOLDERS if folder.is_dir()), PACKAGE_FOLDER)
    for name in operation_names:
        query, variables = folder / f"{name}.graphql", folder / f"{name}.json"
        if query.is_file():
            tab = {"query": query.read_text("utf-8")}
            if variables.is_file():
                tab["variables"] = variables.read_text("utf-8")
            yield tab
