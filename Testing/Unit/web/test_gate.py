"""Tests the gate on a real server: token, cookie, origin, and that only listed files are given out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from NephroSynthLib.web.gate import guard, is_token, new_token, same_origin

aiohttp = pytest.importorskip("aiohttp")
from aiohttp import web  # noqa: E402
from aiohttp.test_utils import TestClient, TestServer  # noqa: E402

TOKEN = "the-token"


def visit(tmp_path: Path, calls: Callable[[TestClient], Awaitable[None]]) -> None:
    """Runs calls against a server with one page of its own and one file."""
    (tmp_path / "report.html").write_text("<p>report</p>")
    (tmp_path / "secret.txt").write_text("secret")

    async def page(_: web.Request) -> web.Response:
        return web.Response(text="page")

    async def run() -> None:
        app = web.Application()
        guard(app, TOKEN, {"/report/0": tmp_path / "report.html"})
        app.add_routes([web.get("/index.html", page)])
        async with TestClient(TestServer(app)) as client:
            await calls(client)

    asyncio.run(run())


def test_nothing_is_answered_without_the_token(tmp_path: Path) -> None:
    async def calls(client: TestClient) -> None:
        for path in ("/index.html", "/report/0", "/ws", "/nothing", "/index.html?token=", "/index.html?token=wrong"):
            answer = await client.get(path)
            assert answer.status == 403
            assert "secret" not in await answer.text()

    visit(tmp_path, calls)


def test_the_token_opens_the_page_and_leaves_the_address(tmp_path: Path) -> None:
    async def calls(client: TestClient) -> None:
        entry = await client.get(f"/index.html?token={TOKEN}", allow_redirects=False)
        assert (entry.status, entry.headers["Location"]) == (302, "/index.html")
        cookie = entry.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        answer = await client.get("/index.html")
        assert await answer.text() == "page"
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
        assert await (await client.get("/report/0")).text() == "<p>report</p>"

    visit(tmp_path, calls)


def test_a_page_of_another_origin_has_no_access_with_the_cookie(tmp_path: Path) -> None:
    async def calls(client: TestClient) -> None:
        await client.get(f"/index.html?token={TOKEN}")
        assert (await client.get("/index.html", headers={"Origin": "http://127.0.0.1:1"})).status == 403
        own = f"http://{client.host}:{client.port}"
        assert (await client.get("/index.html", headers={"Origin": own})).status == 200

    visit(tmp_path, calls)


def test_no_path_but_those_listed_is_looked_up(tmp_path: Path) -> None:
    async def calls(client: TestClient) -> None:
        await client.get(f"/index.html?token={TOKEN}")
        for path in ("/report/../secret.txt", "/report/0/../../secret.txt", "/report/%2e%2e/secret.txt", "/report/1"):
            answer = await client.get(path)
            assert answer.status == 404
            assert "secret" not in await answer.text()

    visit(tmp_path, calls)


def test_tokens() -> None:
    assert new_token() != new_token()
    assert len(new_token()) >= 32
    assert is_token("ä", "ä")
    assert not is_token(None, TOKEN)
    assert same_origin(None, "127.0.0.1:8080")
    assert not same_origin("null", "127.0.0.1:8080")
