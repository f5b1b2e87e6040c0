"""Runs the scripts of tests/clients."""

import asyncio
import shutil
from asyncio.subprocess import PIPE
from pathlib import Path


async def run_node(folder: Path, *arguments: str) -> bytes:
    """Runs a script in the folder; returns its output."""
    node = shutil.which("node")
    assert node
    process = await asyncio.create_subprocess_exec(node, *arguments, cwd=folder, stdout=PIPE)
    output, _ = await process.communicate()
    assert process.returncode == 0
    return output
