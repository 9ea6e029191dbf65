"""Headers of every answer: nobody keeps it, or takes it for a page, unless its view says so."""

from aiohttp import ClientSession
from aiohttp.web import Application, AppRunner, Request, Response, SockSite, get

from dataflow.web.edge import SAFE_HEADERS, UNKEPT, json_edge
from dataflow.web_connections import CONNECTIONS, OpenConnections
from dataflow.web_server import listen


async def test_an_answer_is_kept_by_nobody_unless_its_view_says_so():
    """A cache in front may keep what has no word of it: `/metrics`, say, of one who had to show a token."""

    async def silent(_: Request) -> Response:
        return Response(text="counts")

    async def kept(_: Request) -> Response:
        return Response(text="a file", headers={"Cache-Control": "public"})

    application = Application(middlewares=[json_edge])
    application[CONNECTIONS] = OpenConnections(1_000)
    application.add_routes([get("/silent", silent), get("/kept", kept)])
    runner = AppRunner(application)
    await runner.setup()
    listening = listen("PORT", "127.0.0.1", 0)
    await SockSite(runner, listening).start()
    try:
        async with ClientSession(f"http://127.0.0.1:{listening.getsockname()[1]}") as session:
            for path, expected in (
                ("/silent", UNKEPT),
                ("/kept", {"Cache-Control": "public"}),
                ("/", UNKEPT),
            ):
                async with session.get(path) as reply:
                    assert {**SAFE_HEADERS, **expected}.items() <= dict(reply.headers).items(), path
    finally:
        await runner.cleanup()
