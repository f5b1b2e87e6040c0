"""Serves the files of a front end's bundle."""

import os
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope


class BundleFiles(StaticFiles):
    """Serves the files of the folder, compressed for clients that accept gzip."""

    def __init__(self, folder: Path, cache_control: str = "no-cache") -> None:
        super().__init__(directory=folder, check_dir=False)
        self._cache_control = cache_control
        # The bundle may be built while the server runs.
        self.config_checked = True

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        compressed_path = f"{full_path}.gz"
        accepts_gzip = "gzip" in Headers(scope=scope).get("accept-encoding", "")
        if accepts_gzip and os.path.isfile(compressed_path):
            full_path, stat_result = compressed_path, os.stat(compressed_path)
        response = super().file_response(full_path, stat_result, scope, status_code)
        if full_path == compressed_path:
            response.headers["Content-Encoding"] = "gzip"
        response.headers["Vary"] = "Accept-Encoding"
        response.headers["Cache-Control"] = self._cache_control
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response
