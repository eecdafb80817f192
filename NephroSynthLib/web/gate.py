"""The gate of the web server: nothing is answered without the token, and only listed files are given out."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from aiohttp import web

TOKEN = "token"
_HEADERS = {
    # Vue compiles its templates in the browser, which needs 'unsafe-eval'. Everything comes from this server alone.
    "Content-Security-Policy": (
        "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; frame-ancestors 'none'; form-action 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_NO_ENTRY = "Open the link that 'nephrosynth view' printed; it holds the token that this page needs."


def new_token() -> str:
    """Returns a token that nobody can guess."""
    return secrets.token_urlsafe(24)


def guard(app: web.Application, token: str, files: Mapping[str, Path]) -> None:
    """Puts the gate before all pages and sockets of a server, and adds pages that are files.

    The first call brings the token in the address. The server answers with a cookie, which later calls bring, and
    takes the token out of the address. A page of another origin is refused, so that it cannot use the cookie.

    Args:
        app: The server, before it starts.
        token: The token.
        files: HTML files by the path of their page. No path of a caller is ever looked up on the disk.
    """
    from aiohttp import web

    cookie = f"nephrosynth-{secrets.token_hex(4)}"  # cookies know no port, and another view may run on this machine

    @web.middleware
    async def gate(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if not same_origin(request.headers.get("Origin"), request.headers.get("Host")):
            return web.Response(status=403, text="Pages of other origins have no access.")
        if is_token(request.query.get(TOKEN), token):
            entry = web.Response(status=302, headers={"Location": request.path, **_HEADERS})
            entry.set_cookie(cookie, token, httponly=True, samesite="Strict")
            return entry
        if not is_token(request.cookies.get(cookie), token):
            return web.Response(status=403, text=_NO_ENTRY, headers=_HEADERS)
        response = await handler(request)
        if not response.prepared:
            response.headers.update(_HEADERS)
        return response

    async def file(request: web.Request) -> web.StreamResponse:
        return web.FileResponse(files[request.path])

    app.middlewares.append(gate)
    app.add_routes([web.get(path, file) for path in files])


def is_token(given: str | None, token: str) -> bool:
    """Tells whether a text is the token, in a time that does not tell how much of it is right."""
    return secrets.compare_digest((given or "").encode(), token.encode())


def same_origin(origin: str | None, host: str | None) -> bool:
    """Tells whether a request comes from a page of this server, or from no page."""
    return origin is None or urlsplit(origin).netloc == host
