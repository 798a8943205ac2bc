"""Mail: published reports to the posts that a schedule names, and one reminder a week at most to who has work to do."""

import socket
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from service.automation.mail import send, write_mail
from service.automation.outbox import Undeliverable
from service.settings import Settings, SettingsError, read_settings
from tests.automation.conftest import REFUSED, Do, Mailbox, Moment, mail_server
from tests.conftest import Api
from tests.factories import Plan, make_milestone, make_plan, make_workstream, published_report, report

SENDER = "tracker@example.org"
# A Monday in the middle of a quarter.
MONDAY = datetime(2031, 2, 3, 9, tzinfo=UTC)
Post = Callable[..., Any]


@pytest.fixture
def plan(moment: Moment, api: Api) -> Plan:
    """A plan whose director has an address, and whose one milestone was reported on this quarter."""
    moment.set(MONDAY)
    made = make_plan(api)
    api.patch(f"/v1/owners/{made.owner}", {"email": "director@example.org"})
    report(api, made.milestone, status="in_progress", effective_on="2031-02-01")
    return made


@pytest.fixture
def do_post(do_due: Do, mailbox: Mailbox) -> Post:
    """What is due is done, with the mail server of the test."""
    return lambda **settings: do_due(smtp_url=mailbox.url, mail_from=SENDER, **settings)


def text_of(message: EmailMessage) -> str:
    """Return the text of a message."""
    body = message.get_body()
    assert body is not None
    return str(body.get_content())


def test_a_published_report_goes_to_the_posts_that_have_an_address(
    api: Api, plan: Plan, do_post: Post, mailbox: Mailbox
) -> None:
    nobody = api.made("/v1/owners", ref="nobody", post="Nobody", organisation_id=plan.organisation)["id"]
    posts = {"owner_ids": [plan.owner, nobody], "sends_reminders": False, "makes_drafts": False}
    api.made("/v1/report-schedules", strategy_id=plan.strategy, **posts)
    made = published_report(api, plan.strategy, quarter="2030-31-Q3")
    assert do_post(public_url="https://tracker.example.org").delivered == 1
    (message,) = mailbox.taken
    assert (message["To"], message["From"], message["Subject"]) == (
        "director@example.org",
        SENDER,
        "Progress report 2030-31-Q3",
    )
    assert f"https://tracker.example.org/v1/reports/{made['id']}" in text_of(message)
    held = {part.get_filename(): part.get_payload(decode=True) for part in message.iter_attachments()}
    assert set(held) == {"report.pdf", "report.docx"}
    for name, content in held.items():
        assert content == api.get(f"/v1/reports/{made['id']}/files/{name}").content
    assert do_post().delivered == 0


def test_an_address_that_is_refused_is_not_tried_again(
    api: Api, plan: Plan, do_post: Post, mailbox: Mailbox, moment: Moment
) -> None:
    api.patch(f"/v1/owners/{plan.owner}", {"email": f"director@{REFUSED}"})
    api.made("/v1/report-schedules", strategy_id=plan.strategy, owner_ids=[plan.owner], makes_drafts=False)
    published_report(api, plan.strategy, quarter="2030-31-Q3")
    do_post()
    moment.forward(timedelta(days=1))
    do_post()
    (row,) = api.get("/v1/deliveries", params={"kind": "mail"}).json()["items"]
    assert (row["attempts"], row["next_at"], row["error"]) == (1, None, "The mail server refused the address.")
    assert mailbox.taken == []


def test_a_mail_server_that_is_away_is_asked_again(
    api: Api, plan: Plan, do_due: Do, do_post: Post, mailbox: Mailbox, moment: Moment
) -> None:
    api.made("/v1/report-schedules", strategy_id=plan.strategy, owner_ids=[plan.owner], makes_drafts=False)
    published_report(api, plan.strategy, quarter="2030-31-Q3")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        do_due(smtp_url=f"smtp://127.0.0.1:{closed.getsockname()[1]}", mail_from=SENDER)
    (row,) = api.get("/v1/deliveries", params={"kind": "mail"}).json()["items"]
    assert (row["attempts"], row["error"]) == (1, "The mail could not be handed over: ConnectionRefusedError.")
    moment.forward(timedelta(minutes=1))
    assert do_post().delivered == 1
    assert len(mailbox.taken) == 1


def test_a_post_that_lost_its_address_gets_nothing(api: Api, plan: Plan, do_due: Do, do_post: Post) -> None:
    api.made("/v1/report-schedules", strategy_id=plan.strategy, owner_ids=[plan.owner], makes_drafts=False)
    published_report(api, plan.strategy, quarter="2030-31-Q3")
    do_due(smtp_url="smtp://127.0.0.1:1", mail_from=SENDER)
    (row,) = api.get("/v1/deliveries", params={"kind": "mail"}).json()["items"]
    api.patch(f"/v1/owners/{plan.owner}", {"email": None})
    api.call("POST", f"/v1/deliveries/{row['id']}/send")
    do_post()
    assert api.get(f"/v1/deliveries/{row['id']}").json()["error"] == "The post has no e-mail address any more."


class TestEncryption:
    """Mail and passwords go to a server elsewhere in private, or not at all."""

    @pytest.fixture
    def elsewhere(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The server is on another machine."""
        monkeypatch.setattr("service.automation.mail.is_this_machine", lambda _: False)

    @pytest.fixture
    def trusted(self, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """This machine trusts that certificate."""
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    @staticmethod
    def send_to(box: Mailbox, scheme: str = "smtp", credentials: str = "") -> None:
        """Send a message to a server."""
        settings = Settings(smtp_url=box.url.replace("smtp://", f"{scheme}://{credentials}"), mail_from=SENDER)
        message = write_mail(settings, "1", "a@example.org", "S", "T")
        assert message["Message-ID"] == "<1@example.org>"
        send(settings, message)

    @pytest.mark.usefixtures("elsewhere")
    def test_no_password_is_sent_in_the_clear(self, mailbox: Mailbox) -> None:
        with pytest.raises(Undeliverable, match="offers no encryption"):
            self.send_to(mailbox, credentials="user:password@")
        assert mailbox.taken == []

    @pytest.mark.usefixtures("elsewhere", "trusted")
    def test_a_server_that_offers_encryption_is_taken_at_its_word(self, private: ssl.SSLContext) -> None:
        with mail_server(tls_context=private, require_starttls=True, auth_required=True, authenticator=knows) as box:
            self.send_to(box, credentials="us%40er:pass%2Fword@")
            assert len(box.taken) == 1
            with pytest.raises(Undeliverable, match="refused the user or the password"):
                self.send_to(box, credentials="us%40er:other@")
        assert len(box.taken) == 1

    @pytest.mark.usefixtures("trusted")
    def test_a_server_may_speak_in_private_from_the_start(self, private: ssl.SSLContext) -> None:
        with mail_server(ssl_context=private) as box:
            self.send_to(box, "smtps")
        assert len(box.taken) == 1

    @pytest.mark.usefixtures("elsewhere")
    @pytest.mark.parametrize(("scheme", "speaks"), [("smtp", "tls_context"), ("smtps", "ssl_context")])
    def test_nothing_goes_to_a_server_whose_certificate_does_not_hold(
        self, private: ssl.SSLContext, scheme: str, speaks: str
    ) -> None:
        with mail_server(**{speaks: private}) as box, pytest.raises(Undeliverable, match="certificate does not hold"):
            self.send_to(box, scheme)
        assert box.taken == []

    def test_a_server_on_this_machine_may_have_made_its_certificate_itself(self, private: ssl.SSLContext) -> None:
        with mail_server(tls_context=private) as box:
            self.send_to(box)
        assert len(box.taken) == 1


def knows(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, shown: Any) -> AuthResult:
    """Tell whether a password is the one of the one user."""
    return AuthResult(success=shown == LoginPassword(b"us@er", b"pass/word"), handled=False)


def test_a_mail_server_needs_a_sender() -> None:
    with pytest.raises(SettingsError, match="TRACKER_MAIL_FROM"):
        read_settings({"TRACKER_SMTP_URL": "smtp://localhost"})


class TestReminders:
    """Who has something to do is told, once a week."""

    @pytest.fixture
    def stream(self, api: Api, plan: Plan) -> int:
        """A workstream of the director's."""
        made = make_workstream(
            api, plan.strategy, plan.priority, plan.organisation, ref="work", title="Work", owner_id=plan.owner
        )
        return int(made["id"])

    def test_one_mail_names_all_there_is_to_do_by_reason(
        self, api: Api, plan: Plan, stream: int, do_post: Post, mailbox: Mailbox
    ) -> None:
        for ref, due in (("LATE", "2031-01-15"), ("SOON", "2031-02-17"), ("LATER", "2031-02-18"), ("NONE", None)):
            made = make_milestone(api, stream, ref=ref, title=f"Do {ref}", due_on=due, owner_id=plan.owner)
            if ref != "NONE":
                report(api, made["id"], status="in_progress", effective_on="2031-01-02")
        assert do_post(public_url="https://tracker.example.org").delivered == 1
        (message,) = mailbox.taken
        assert (message["To"], message["Subject"]) == ("director@example.org", "3 milestones to report on")
        text = text_of(message)
        order = [
            *("Overdue:", "LATE Do LATE, due 15 January 2031"),
            *("Due in the next 14 days:", "SOON Do SOON, due 17 February 2031"),
            *("Not reported on this quarter:", "NONE Do NONE"),
        ]
        places = [text.index(each) for each in order]
        assert places == sorted(places)
        assert "LATER" not in text
        milestone = api.get("/v1/milestones", params={"ref": "LATE"}).json()["items"][0]["id"]
        assert f"https://tracker.example.org/v1/milestones/{milestone}" in text

    def test_it_comes_once_a_week_and_no_more(
        self, api: Api, plan: Plan, stream: int, do_post: Post, mailbox: Mailbox, moment: Moment
    ) -> None:
        make_milestone(api, stream, ref="LATE", due_on="2031-01-15", owner_id=plan.owner)
        moment.set(MONDAY + timedelta(days=6))
        assert do_post().delivered == 1
        for hours in (1, 12, 24, 48, 6 * 24 - 1):
            moment.set(MONDAY + timedelta(days=6, hours=hours))
            assert do_post().delivered == 0, hours
        # That week has gone by; the next one is asked about on its first day.
        moment.set(MONDAY + timedelta(days=14))
        assert do_post().delivered == 1
        assert len(mailbox.taken) == 2

    @pytest.mark.parametrize("silence", ["the strategy", "the partner", "no address", "done", "dropped"])
    def test_nothing_comes_where_there_is_nothing_to_say_or_nobody_to_hear(
        self, api: Api, plan: Plan, stream: int, do_post: Post, mailbox: Mailbox, silence: str
    ) -> None:
        made = make_milestone(api, stream, ref="LATE", due_on="2031-01-15", owner_id=plan.owner)
        quiet = {"strategy_id": plan.strategy, "makes_drafts": False}
        if silence == "the strategy":
            api.made("/v1/report-schedules", **quiet, sends_reminders=False)
        if silence == "the partner":
            api.made("/v1/report-schedules", **quiet, silent_organisation_ids=[plan.organisation])
        if silence == "no address":
            api.patch(f"/v1/owners/{plan.owner}", {"email": None})
        if silence in ("done", "dropped"):
            status = "complete" if silence == "done" else "cancelled"
            report(api, made["id"], status=status, effective_on="2031-01-20")
        assert do_post().delivered == 0
        assert mailbox.taken == []

    def test_what_was_done_since_it_was_noted_is_not_asked_for(
        self, api: Api, plan: Plan, stream: int, do_due: Do, do_post: Post, mailbox: Mailbox, moment: Moment
    ) -> None:
        made = make_milestone(api, stream, ref="LATE", due_on="2031-01-15", owner_id=plan.owner)
        do_due(smtp_url="smtp://127.0.0.1:1", mail_from=SENDER)
        report(api, made["id"], status="complete", effective_on="2031-01-20")
        moment.forward(timedelta(minutes=1))
        do_post()
        assert mailbox.taken == []
