"""The command `view`: serves the results of a folder as a page, until it is ended."""

from __future__ import annotations

import importlib.util
import ipaddress
import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from NephroSynthLib import options
from NephroSynthLib.errors import Action, UsageError
from NephroSynthLib.files.notice import RESEARCH_ONLY
from NephroSynthLib.files.outputs import REPORT
from NephroSynthLib.files.staging import check_file
from NephroSynthLib.jobs.request import Flag, Request, Summary, Volume
from NephroSynthLib.progress import Progress
from NephroSynthLib.settings import field
from NephroSynthLib.web.viewed_exams import ViewedExam, find_exams, is_within

STUDY_PAGE = "reading.html"


class ViewRequest(Request):
    """Shows a result, or the results of a cohort, in the browser, and takes ratings."""

    folder: Annotated[Path, Flag(metavar="RESULTS", positional=True)] = Field(
        description="A result folder, the output of 'cohort run', or a folder with results."
    )
    port: int = field(options.VIEW_PORT)
    host: str = field(options.VIEW_HOST)
    noncontrast: Volume | None = Field(None, description="Non-contrast phase of the only exam.")
    manifest: Path | None = Field(None, description="Manifest of the cohort, which names the non-contrast phases.")
    ratings: Path | None = Field(None, description="File for ratings and notes; ratings.csv in the folder otherwise.")


def serve(request: ViewRequest, _progress: Progress) -> Summary:
    """Serves the page until Ctrl-C.

    Raises:
        UsageError: trame-slicer is not installed, the port is taken, or phases do not fit the exams.
        UnreadableInputError: The folder holds no result, or a given file cannot be read.
        ResourceError: The given file for ratings cannot be written.
    """
    exams = find_exams(request.folder)
    if request.ratings is not None:
        check_file(request.ratings)
    need_trame()
    from NephroSynthLib.web.exam_ratings import RATINGS, RatingFile
    from NephroSynthLib.web.gate import TOKEN, guard, new_token
    from NephroSynthLib.web.noncontrast_source import noncontrast_sources

    sources = noncontrast_sources(exams, request.manifest, request.noncontrast)
    ratings = RatingFile(request.ratings or request.folder / RATINGS)
    port = free_port(request.host, request.port)
    files = pages_of(request.folder, exams)
    token = new_token()
    os.environ["TRAME_ARGS"] = "--server"  # otherwise trame reads the arguments of this command as its own

    from NephroSynthLib.web.viewer import Viewer

    names = [name.removeprefix("/") for name in files if name.count("/") == 1]
    viewer = Viewer(request.folder.resolve().name, exams, sources, ratings, names)
    viewer.server.controller.on_server_bind.add(lambda server, **_: guard(server.app, token, files))
    viewer.server.controller.on_server_ready.add(
        lambda **_: _announce(link(request.host, port, token, TOKEN), len(exams), ratings.path)
    )
    viewer.server.start(
        port=port, host=request.host, open_browser=False, show_connection_info=False, timeout=0, disable_logging=True
    )
    return {"notice": RESEARCH_ONLY, "warnings": []}


def need_trame() -> None:
    """Refuses the work if the packages of the browser view are not installed.

    Raises:
        UsageError: If they are not.
    """
    if importlib.util.find_spec("trame_slicer") is None or importlib.util.find_spec("slicer") is None:
        raise UsageError("The packages of the browser view are not installed.", Action.INSTALL_VIEW)


def pages_of(folder: Path, exams: Sequence[ViewedExam]) -> dict[str, Path]:
    """Returns the HTML files that the server gives out, by the path of their page: reports, and a reader study.

    Files that a link leads out of the folder are left out.
    """
    pages = {f"/report/{index}": exam.report for index, exam in enumerate(exams)}
    if not any(exam.folder == folder.resolve() for exam in exams):
        pages["/cohort"] = folder / REPORT
    pages["/study"] = folder / STUDY_PAGE
    return {page: path for page, path in pages.items() if path and path.is_file() and is_within(path, folder)}


def free_port(host: str, port: int) -> int:
    """Returns the port, or for 0 one that is free.

    Raises:
        UsageError: If it is taken, or the host is none of this machine.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            return int(probe.getsockname()[1])
    except OSError as error:
        raise UsageError(f"Port {port} of {host} cannot be used: {error.strerror}.", Action.CHOOSE_PORT) from error


def link(host: str, port: int, token: str, name: str) -> str:
    """Returns the address that opens the page; for a host that stands for all addresses, with this machine's name."""
    try:
        address: Any = ipaddress.ip_address(host)
    except ValueError:
        address = None
    if address is not None and address.is_unspecified:
        host = socket.gethostname()
    elif address is not None and address.version == 6:
        host = f"[{host}]"
    return f"http://{host}:{port}/?{name}={token}"


def _announce(address: str, count: int, ratings: Path) -> None:
    print(f"{count} exam{'s' if count > 1 else ''}. Open this link; it lets in whoever has it:\n\n    {address}\n")
    print(f"Ratings go to {ratings}. Ctrl-C ends it.", flush=True)
