"""Lists and figures as files: all rows, streamed page by page, all of them as known at one instant."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Any, Protocol
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from sqlalchemy import Connection

from service.access.door import Visit
from service.core import clock
from service.core.answers import tagged_answer
from service.core.errors import Fault, Invalid
from service.core.history import find_known
from service.core.negotiation import XLSX_TYPE, Format
from service.core.paging import Page
from service.exchange.cells import instant_text
from service.exchange.columns import columns_of
from service.exchange.csvfile import MEDIA_TYPE as CSV_MEDIA_TYPE
from service.exchange.csvfile import CsvFile
from service.exchange.csvw import DESCRIPTION
from service.exchange.figures import FIGURES
from service.exchange.xlsxfile import XlsxFile

PAGE_ROWS = 2000
ALL_ROWS = "A file has every row: leave limit and cursor out."


class Ask(Protocol):
    """What returns the page of a list that a query names."""

    def __call__(self, connection: Connection, query: Any) -> Page:
        """Ask."""


class Tables:
    """The tables there are, by name, with the models of their rows."""

    def __init__(self, lists: Mapping[str, type[BaseModel]]) -> None:
        self.models = {**lists, **{name: model for name, (model, _) in FIGURES.items()}}

    async def answer(self, visit: Visit, query: Any, form: Format, name: str, ask: Ask) -> Response:
        """Answer with all rows of a list; a problem while there is no row yet is told as one.

        Later pages are asked for as known when the first was, so that writers and readers need not wait for one
        another, and the file shows one state all the same. Where the rest cannot be had the connection is cut, for a
        file must not look whole that is not.

        Raises:
            Invalid: a page is asked for, or a cell cannot hold a value.
        """
        paged = sorted(query.model_fields_set & {"limit", "cursor"})
        if paged:
            raise Invalid(*(Fault(f"/query/{each}", ALL_ROWS) for each in paged))
        whole = query.model_copy(update={"limit": PAGE_ROWS})

        def start(connection: Connection) -> tuple[Any, Page]:
            pinned = whole
            if "known_at" in type(query).model_fields and query.known_at is None:
                pinned = whole.model_copy(update={"known_at": find_known(connection, None, clock.now()).at})
            return pinned, ask(connection, query=pinned)

        pinned, page = await visit.snapshot(start)
        file = self._file(form, name, query)
        try:
            first = await asyncio.to_thread(lambda: file.start() + file.page(page.items))
        except Invalid:
            file.drop()
            raise

        async def rest() -> AsyncIterator[bytes]:
            try:
                yield first
                cursor = page.cursor
                while cursor is not None:
                    more = await visit.snapshot(partial(ask, query=pinned.model_copy(update={"cursor": cursor})))
                    yield await asyncio.to_thread(file.page, more.items)
                    cursor = more.cursor
                yield await asyncio.to_thread(file.end)
            finally:
                file.drop()

        headers = _headers(form, name)
        if pinned is not whole:
            asked = [*visit.request.query_params.multi_items(), ("known_at", instant_text(pinned.known_at))]
            headers["Content-Location"] = f"{visit.request.url.path}?{urlencode(asked)}"
        return StreamingResponse(rest(), 200, headers, MEDIA_TYPES[form])

    def figures(self, request: Request, query: Any, form: Format, name: str, found: dict[str, Any]) -> Response:
        """Answer with figures as a table."""
        file, (_, rows_of) = self._file(form, name, query), FIGURES[name]
        content = file.start() + file.page(rows_of(found)) + file.end()
        return tagged_answer(request, content, _headers(form, name), MEDIA_TYPES[form])

    def _file(self, form: Format, name: str, query: Any) -> CsvFile | XlsxFile:
        columns = columns_of(self.models[name])
        return CsvFile(columns, has_mark=bool(query.bom)) if form is Format.CSV else XlsxFile(columns, name)


MEDIA_TYPES = {Format.CSV: CSV_MEDIA_TYPE, Format.XLSX: XLSX_TYPE}


def _headers(form: Format, name: str) -> dict[str, str]:
    headers = {
        "Content-Disposition": f'attachment; filename="{name}.{form.value}"',
        "Cache-Control": "private, no-cache",
        "Vary": "Accept, Authorization",
    }
    if form is Format.CSV:
        headers["Link"] = f'</v1/{name}{DESCRIPTION}>; rel="describedby"; type="application/csvm+json"'
    return headers
