"""The engine: turns changes of customers, definitions and time into transitions.

A worker reads the change stream from its position, evaluates each changed customer against the
active filters, and writes the transitions, the new membership states and the new position in one
transaction. A worker that dies leaves no partial result: the next one resumes at the position.

README.md in this folder explains the whole path, the vocabulary and the guarantees.
"""

from app.services.engine.engine import Engine

__all__ = ["Engine"]
