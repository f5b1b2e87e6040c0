"""How active segments become transitions.

A stream of commits is read from a place on; each is settled; what it changes of memberships, the
crossings, and the new place go into one transaction. Killed anywhere, it does the last part again.
"""

from app.services.engine.engine import Engine

__all__ = ["Engine"]
