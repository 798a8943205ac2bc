"""The interactive documentation works in a network that is closed to the outside, and runs nothing but its own files."""

import re
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

import service.core.docs
from service.main import create_app
from service.settings import Settings

FOLDER = Path(service.core.docs.__file__).with_name("swagger_ui")
SUM = re.compile(r"^([0-9a-f]{64})  (\S+)$", re.MULTILINE)
SUMS = [(found[2], found[1]) for found in SUM.finditer((FOLDER / "README.md").read_text())]


class Page(HTMLParser):
    """What a page refers to, and what is written into it instead of being referred to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.inline: list[str] = []
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "action", "data"):
                self.addresses.append(value or "")
            if name == "style" or name.startswith("on"):
                self.inline.append(f"{tag} {name}")

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] in ("script", "style") and data.strip():
            self.inline.append(data)


@pytest.fixture(scope="module")
def client() -> TestClient:
    """A client of a service whose database is never asked."""
    return TestClient(create_app(Settings(database_url="sqlite://")))


@pytest.fixture(scope="module")
def page(client: TestClient) -> Page:
    """The page."""
    return Page(client.get("/docs").text)


def test_whoever_asks_for_no_page_in_particular_is_sent_there(client: TestClient) -> None:
    answer = client.get("/", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (307, "docs")
    assert client.get("/").text == client.get("/docs").text


def test_the_page_refers_to_nothing_outside(page: Page) -> None:
    assert page.addresses
    assert [address for address in page.addresses if re.match(r"[a-z][a-z0-9+.-]*:|/", address, re.IGNORECASE)] == []


def test_all_that_the_page_refers_to_is_served(client: TestClient, page: Page) -> None:
    assert {address: client.get(f"/{address}").status_code for address in page.addresses} == dict.fromkeys(
        page.addresses, 200
    )


@pytest.mark.parametrize(
    ("name", "media_type"),
    [("swagger-ui-bundle.js", "text/javascript"), ("swagger-ui.css", "text/css"), ("icon.svg", "image/svg+xml")],
)
def test_browsers_take_the_files_for_what_they_are(client: TestClient, name: str, media_type: str) -> None:
    headers = client.get(f"/docs/{name}").headers
    assert headers["content-type"].partition(";")[0] == media_type
    assert headers["x-content-type-options"] == "nosniff"


def test_the_styles_refer_to_nothing_outside() -> None:
    referred = re.findall(r"url\(\s*[\"']?([^\"')]{0,40})", (FOLDER / "swagger-ui.css").read_text())
    assert referred
    assert [address for address in referred if not address.startswith("data:")] == []


def test_the_page_lets_only_its_own_files_run(client: TestClient) -> None:
    policy = dict(part.split(" ", 1) for part in client.get("/docs").headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"


def test_nothing_is_written_into_the_page_that_its_policy_would_stop(page: Page) -> None:
    assert page.inline == []


def test_no_validator_elsewhere_is_asked() -> None:
    assert "validatorUrl: null" in (FOLDER / "start.js").read_text()


@pytest.mark.parametrize(("name", "digest"), SUMS)
def test_what_was_taken_from_elsewhere_is_what_was_published(name: str, digest: str) -> None:
    assert sha256((FOLDER / name).read_bytes()).hexdigest() == digest


def test_every_script_and_style_that_is_not_ours_has_its_sum() -> None:
    ours = {"start.js"}
    assert {path.name for path in FOLDER.iterdir() if path.suffix in (".js", ".css")} - ours == {
        name for name, _ in SUMS
    }


def test_the_other_page_of_the_framework_which_loads_from_outside_is_off(client: TestClient) -> None:
    assert client.get("/redoc").status_code == 404
