"""The verbs: what a person can want, each one method."""

from app.services.services import Services

__all__ = ["Services"]
