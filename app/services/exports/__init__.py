"""Exports of the members of a segment as a file: started, written, followed."""

from app.services.exports.export_feed import ExportFeed
from app.services.exports.export_settings import ExportSettings
from app.services.exports.export_worker import ExportWorker
from app.services.exports.exports import Exports
from app.services.exports.file_export import FileExport

__all__ = ["ExportFeed", "ExportSettings", "ExportWorker", "Exports", "FileExport"]
