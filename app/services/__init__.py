"""The application services: each public method is one operation of a client or of a worker."""

from app.services.services import Services

__all__ = ["Services"]
