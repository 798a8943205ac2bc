"""L: a FastAPI route that answers constant bytes, under the settings of `tracker serve`. `python -m bench.baseline`."""

import sys

import uvicorn
from fastapi import FastAPI, Response


def make_app(length: int) -> FastAPI:
    """Return an application whose one route answers so many bytes."""
    app = FastAPI()
    body = b"0" * length

    @app.get("/constant")
    async def get_constant() -> Response:
        return Response(body, media_type="application/json")

    return app


if __name__ == "__main__":
    uvicorn.run(
        make_app(int(sys.argv[2])),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        server_header=False,
        access_log=False,
        log_config=None,
    )
