"""The number of files that this process may have open. Sockets count, too."""

import resource


def raise_soft_limit() -> None:
    """Raises the limit as far as the system allows without privileges. Processes that are started
    later inherit it. Many systems begin with 1,024, too few for a database or a thousand sockets.
    """
    _, hard_limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard_limit, hard_limit))


def hard_limit() -> int:
    """Returns the number to which `raise_soft_limit` raises the limit."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]
