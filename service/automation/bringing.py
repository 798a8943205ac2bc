"""Bringing one thing to where it goes: the folder, a post's mailbox, a receiver of events."""

import asyncio
from pathlib import Path

from sqlalchemy import Connection, select

from service.access.policy import SERVICE
from service.automation.mail import attach, send, write_mail
from service.automation.models import DeliveryKind
from service.automation.outbox import Bring, Undeliverable, message_id
from service.automation.reminders import find_reasons, write_reminder
from service.automation.signing import signed_headers
from service.automation.webhooks import find_keys
from service.core import clock
from service.core.db import Database
from service.core.errors import TrackerError
from service.core.history import Row
from service.plan.models import owner, strategy
from service.reporting.filenames import FileName
from service.reporting.folders import put_files
from service.reporting.service import files_of, get_report
from service.settings import Settings

ATTACHED = (FileName.PDF, FileName.DOCX)
NO_ADDRESS = "The post has no e-mail address any more."


class Bringer:
    """Brings things by the settings of this process."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._ways: dict[DeliveryKind, Bring] = {DeliveryKind.WEBHOOK: self._to_webhook}
        if settings.delivery_dir:
            self._ways[DeliveryKind.FOLDER] = self._to_folder
        if settings.smtp_url:
            self._ways |= {DeliveryKind.MAIL: self._by_mail, DeliveryKind.REMINDER: self._remind}

    @property
    def kinds(self) -> frozenset[DeliveryKind]:
        """What can be brought by these settings; the rest waits for a process that can."""
        return frozenset(self._ways)

    async def bring(self, row: Row) -> None:
        """Bring what a delivery is about.

        Raises:
            Undeliverable: it cannot be brought, or not now.
        """
        await self._ways[DeliveryKind(row["kind"])](row)

    async def _to_folder(self, row: Row) -> None:
        told, name = await self._database.snapshot(lambda connection: _find_report(connection, row["report_id"]))
        files = await files_of(self._database, told)
        try:
            await asyncio.to_thread(put_files, Path(self._settings.delivery_dir) / name / told["ref"], files)
        except TrackerError as error:
            raise Undeliverable(error.detail) from None

    async def _by_mail(self, row: Row) -> None:
        told, _ = await self._database.snapshot(lambda connection: _find_report(connection, row["report_id"]))
        address = await self._database.snapshot(lambda connection: _find_address(connection, row["owner_id"]))
        files = await files_of(self._database, told)
        link = f"\n\n{self._settings.public_url}/v1/reports/{told['id']}" if self._settings.public_url else ""
        text = f"The report on {told['quarter']} is published. It is attached as PDF and as a Word document.{link}\n"
        message = write_mail(self._settings, message_id(row), address, f"Progress report {told['ref']}", text)
        attach(message, {name: files[name] for name in ATTACHED})
        await asyncio.to_thread(send, self._settings, message)

    async def _remind(self, row: Row) -> None:
        today = clock.today()
        rows = await self._database.snapshot(lambda connection: find_reasons(connection, today, row["owner_id"]))
        if not rows:
            # It was all done meanwhile.
            return
        address = await self._database.snapshot(lambda connection: _find_address(connection, row["owner_id"]))
        text = write_reminder(rows, today, self._settings.public_url)
        subject = f"{len(rows)} milestone{'' if len(rows) == 1 else 's'} to report on"
        message = write_mail(self._settings, message_id(row), address, subject, text)
        await asyncio.to_thread(send, self._settings, message)

    async def _to_webhook(self, row: Row) -> None:
        now = clock.now()
        found = await self._database.snapshot(lambda connection: find_keys(connection, row["webhook_id"], now))
        if found is None:
            raise Undeliverable("The webhook was deleted.", is_final=True)
        from service.automation.posting import post  # noqa: PLC0415 Its library is large, and few are told anything.

        url, keys = found
        body = row["body"].encode()
        await post(url, signed_headers(keys, message_id(row), now, body), body, self._settings.webhook_networks)


def _find_report(connection: Connection, report_id: int) -> tuple[Row, str]:
    """Return a report, and the ref of its strategy."""
    row = get_report(connection, SERVICE, report_id)
    found = select(strategy.c.ref).where(strategy.c.id == row["strategy_id"])
    return row, str(connection.execute(found).scalar_one())


def _find_address(connection: Connection, owner_id: int) -> str:
    """Return where a post is written to.

    Raises:
        Undeliverable: it has no address any more.
    """
    found = connection.execute(select(owner.c.email).where(owner.c.id == owner_id)).scalar_one_or_none()
    if found is None:
        raise Undeliverable(NO_ADDRESS, is_final=True)
    return str(found)
