"""Sending e-mail."""

import smtplib
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from service.automation.outbox import Undeliverable
from service.reporting.filenames import MEDIA_TYPES
from service.settings import Settings, is_this_machine

SECONDS = 30
NO_SERVER = "TRACKER_SMTP_URL is not set."
NOT_TRUSTED = "The mail server's certificate does not hold: nothing was sent to it."
NOT_LET_IN = "The mail server refused the user or the password of TRACKER_SMTP_URL."
REFUSED_FROM = 500


def write_mail(settings: Settings, message_id: str, to: str, subject: str, text: str) -> EmailMessage:
    """Return a message; its id is that of the delivery, so that a double can be told."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = settings.mail_from, to, subject
    message["Message-ID"] = f"<{message_id}@{settings.mail_from.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    return message


def attach(message: EmailMessage, files: Mapping[str, bytes]) -> None:
    """Attach files of a report."""
    for name, content in files.items():
        kind, _, rest = MEDIA_TYPES[name].partition(";")[0].partition("/")
        message.add_attachment(content, maintype=kind, subtype=rest, filename=name)


def send(settings: Settings, message: EmailMessage) -> None:
    """Send a message.

    Raises:
        Undeliverable: the server cannot be reached, or will not have it.
    """
    if not settings.smtp_url:
        raise Undeliverable(NO_SERVER)
    place = urlsplit(settings.smtp_url)
    host, port = place.hostname or "", place.port
    try:
        if place.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, port or 465, timeout=SECONDS, context=_trust())
        else:
            server = smtplib.SMTP(host, port or 25, timeout=SECONDS)
        with server:
            _sign_in(server, place.scheme, host, unquote(place.username or ""), unquote(place.password or ""))
            server.send_message(message)
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        raise Undeliverable("The mail server refused the address.", is_final=min(codes) >= REFUSED_FROM) from None
    except ssl.SSLCertVerificationError:
        raise Undeliverable(NOT_TRUSTED) from None
    except smtplib.SMTPAuthenticationError:
        raise Undeliverable(NOT_LET_IN) from None
    except (smtplib.SMTPException, OSError) as error:
        raise Undeliverable(f"The mail could not be handed over: {type(error).__name__}.") from None


def _trust() -> ssl.SSLContext:
    return ssl.create_default_context()


def _sign_in(server: smtplib.SMTP, scheme: str, host: str, user: str, password: str) -> None:
    """Encrypt where that can be, and send no password unless it is, or the server is on this machine.

    A server on this machine is spoken to as it is: most have a certificate that they made themselves, for no name.
    """
    is_safe = scheme == "smtps" or is_this_machine(host)
    server.ehlo()
    if not is_safe and server.has_extn("starttls"):
        server.starttls(context=_trust())
        server.ehlo()
        is_safe = True
    if not user:
        return
    if not is_safe:
        raise Undeliverable("The mail server offers no encryption: no password was sent to it.")
    server.login(user, password)
