"""The start of the command `nephrosynth`: loads the command line, and answers Ctrl-C while it loads."""

from __future__ import annotations

import os
import signal
import sys
from typing import NoReturn

from NephroSynthLib.cli.error_output import print_error, print_error_as_json
from NephroSynthLib.errors import Cancelled


def main() -> None:
    """Runs the command line.

    Until it is loaded, Ctrl-C ends the process at once: there is nothing to clean up yet, and an exception within the
    import of a library would end in a traceback.
    """
    answers = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # not so in the background of a shell
    if answers:
        signal.signal(signal.SIGINT, lambda *_: _end())
    from NephroSynthLib.cli import app

    if answers:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    app.main()


def _end() -> NoReturn:
    error = Cancelled()
    print_error(error)
    if "--json" in sys.argv:
        print_error_as_json(error)
    os._exit(error.exit_code)


if __name__ == "__main__":
    main()
