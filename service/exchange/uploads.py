"""A file in a form: the parts of multipart/form-data, checked as strictly as every other input."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError
from starlette.datastructures import FormData, Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from service.core.body import malformed
from service.core.errors import Fault, Invalid, UnsupportedMedia
from service.core.fields import IdInUrl
from service.exchange.schemas import SHEET_NAMES

ID: TypeAdapter[int] = TypeAdapter(IdInUrl)
FIELDS = {"file", "strategy_id", "sheet"}
NOT_A_FORM = "Send the file as multipart/form-data, with the parts file and strategy_id."


@dataclass(frozen=True)
class Upload:
    """A workbook that was sent in, and what for."""

    file_name: str
    content: bytes
    strategy_id: int
    sheet: str | None


async def read_upload(headers: Headers, body: bytes) -> Upload:
    """Return the file and what it is for.

    Raises:
        UnsupportedMedia: it is no form.
        Malformed: the form is broken.
        Invalid: a part is missing, strange or wrong.
    """
    if not headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise UnsupportedMedia(NOT_A_FORM)

    async def stream() -> AsyncGenerator[bytes, None]:
        yield body

    try:
        form = await MultiPartParser(headers, stream(), max_files=1, max_fields=len(FIELDS)).parse()
    except (MultiPartException, ValueError, KeyError) as error:
        raise malformed("it is no whole form") from error
    try:
        return await _upload(form)
    finally:
        await form.close()


def _id(text: object) -> int | None:
    """Return the number of a row, as it would be read in an address; None for anything else."""
    try:
        return ID.validate_python(text) if isinstance(text, str) else None
    except ValidationError:
        return None


async def _upload(form: FormData) -> Upload:
    faults = [Fault(f"/{name}", "There is no such part.") for name in form if name not in FIELDS]
    faults += [Fault(f"/{name}", "Send this once.") for name in FIELDS if len(form.getlist(name)) > 1]
    file, strategy_id, sheet = form.get("file"), _id(form.get("strategy_id")), form.get("sheet")
    if not isinstance(file, UploadFile):
        faults.append(Fault("/file", "This is needed: add it."))
    if strategy_id is None:
        faults.append(Fault("/strategy_id", "Write the number of the strategy."))
    if sheet is not None and sheet not in SHEET_NAMES:
        faults.append(Fault("/sheet", f"Write one of {', '.join(SHEET_NAMES)}."))
    if faults or not isinstance(file, UploadFile) or strategy_id is None:
        raise Invalid(*faults)
    content = await file.read()
    if not content:
        raise Invalid(Fault("/file", "The file is empty."))
    name = (file.filename or "file").encode("utf-8", "replace").decode().replace("\x00", "")
    return Upload(name, content, strategy_id, str(sheet) if sheet is not None else None)
