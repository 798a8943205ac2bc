"""The interactive documentation at /docs, from the service's own files: see swagger_ui/README.md."""

from importlib.resources import files

from fastapi import FastAPI, Request
from starlette.responses import HTMLResponse, RedirectResponse
from starlette.staticfiles import StaticFiles

FOLDER = "swagger_ui"
# Nothing from elsewhere, and nothing written into the page itself, can run in a page that people enter tokens into.
SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)


def add_docs(app: FastAPI) -> None:
    """Serve the page at /docs and what it is made of below; who asks for no page in particular is sent there."""
    page = files(__package__).joinpath(FOLDER, "page.html").read_text()
    headers = {"Content-Security-Policy": SECURITY_POLICY, "Cache-Control": "no-cache"}

    async def get_docs(_: Request) -> HTMLResponse:
        return HTMLResponse(page, headers=headers)

    async def send_there(_: Request) -> RedirectResponse:
        # Without a slash in front it is right behind a proxy too, whatever that puts before it.
        return RedirectResponse("docs")

    app.add_route("/", send_there, methods=["GET"], include_in_schema=False)
    app.add_route("/docs", get_docs, methods=["GET"], include_in_schema=False)
    app.mount("/docs", StaticFiles(packages=[(__package__, FOLDER)]))
