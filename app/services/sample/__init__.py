"""Sample data: a small made-up shop for trying the program out."""

from app.services.sample.load import load, load_into

__all__ = ["load", "load_into"]
