"""Starts PythonSlicer as Slicer's launcher does (AppLauncher/Base/ctkAppLauncher.cpp, applicationFinished).

It starts the program as a child with its own input and outputs, and ends with the child's status; after a crash it says
so and ends with status 1, so that nobody learns the signal.
"""

from __future__ import annotations

import os
import sys


def main(program: str, *arguments: str) -> int:
    """Starts a program, waits for its end and gives its status."""
    child = os.spawnv(os.P_NOWAIT, program, (program, *arguments))
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status >= 0:
        return status
    print(f"error: [{program}] exit abnormally - Report the problem.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
