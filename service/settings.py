"""The only reader of the environment: every setting is a `TRACKER_…` variable."""

import os
import re
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    IPvAnyNetwork,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

PREFIX = "TRACKER_"
# In the issuer of many tenants it stands for the tenant of a token, as Microsoft Entra ID writes it.
TENANT_PLACE = "{tenantid}"
# ASCII, and no space.
PRINTABLE = "^[!-~]+$"


class SettingsError(ValueError):
    """A `TRACKER_…` variable is unknown or has a value that cannot be used; the text says which."""


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def is_guarded_address(url: str) -> bool:
    """Tell whether nobody on the way could change what is fetched from a URL: https, or http on this machine."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    if not re.fullmatch(PRINTABLE, url) or not host or "@" in parts.netloc or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_this_machine(host))


def is_this_machine(host: str) -> bool:
    """Tell whether a host is the machine itself."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _check_address(url: str) -> str:
    if url and not is_guarded_address(url):
        raise PydanticCustomError("address", "it is no https address")
    return url


# No symmetric one is among them: with those, whoever can check a token can make one.
SigningAlgorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
GuardedAddress = Annotated[str, Field(max_length=500), AfterValidator(_check_address)]
PublicAddress = Annotated[
    str,
    StringConstraints(max_length=500, pattern=r"^(https?://[A-Za-z0-9.\[\]:-]+(/[A-Za-z0-9._/-]*[A-Za-z0-9._-])?)?$"),
]
MailServer = Annotated[str, StringConstraints(max_length=500, pattern=r"^(smtps?://[!-~]+)?$")]
HostName = Annotated[str, StringConstraints(max_length=253, pattern=r"^(\*\.)?[A-Za-z0-9.\[\]:-]+$")]
Word = Annotated[str, StringConstraints(max_length=300, pattern=PRINTABLE)]


class Settings(BaseModel):
    """What can be set. The description of each field is what `tracker serve --help` prints."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data_dir: Path = Field(Path("data"), description="Folder of the SQLite file.")
    database_url: str = Field(
        "",
        description="postgresql://user:password@host/name, or sqlite:///path. Default: tracker.db in TRACKER_DATA_DIR.",
    )
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on.")
    workers: int = Field(1, ge=1, le=64, description="Server processes.")
    pool_size: int = Field(
        10,
        ge=1,
        le=200,
        description="PostgreSQL connections of one process; figures and files take 4 more at most.",
    )
    lock_timeout_seconds: float = Field(
        10.0, gt=0, le=600, description="How long a request waits for the database before it answers 503."
    )
    body_limit_bytes: int = Field(1_000_000, ge=1_000, le=1_000_000_000, description="Largest request body taken.")
    file_limit_bytes: int = Field(
        10_000_000, ge=1_000, le=100_000_000, description="Largest workbook taken by an import."
    )
    public_url: PublicAddress = Field(
        "",
        description=(
            "Address under which people reach the service, e.g. https://tracker.example.org; links in feeds begin "
            "with it. Default: the one that each request names."
        ),
    )
    cors_origins: Annotated[list[str], BeforeValidator(_split)] = Field(
        [], description="Web origins that may call the API from a browser, separated by commas. Default: none."
    )
    trusted_hosts: Annotated[list[HostName], BeforeValidator(_split)] = Field(
        [],
        description=(
            "Names by which the service may be called, separated by commas; *.example.org is every name below it. "
            "Default: any."
        ),
    )
    hsts_seconds: int = Field(
        0, ge=0, le=63_072_000, description="How long browsers shall keep to https (HSTS); 0 does not ask them to."
    )
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="Least level that is logged.")
    access_log: bool = Field(False, description="One log line for every request.")
    oidc_issuer: GuardedAddress = Field(
        "",
        description=(
            "OpenID Connect issuer whose access tokens are taken, e.g. https://login.microsoftonline.com/TENANT/v2.0, "
            "or with {tenantid} for TENANT where there are several. Default: none."
        ),
    )
    oidc_audience: Annotated[list[Word], BeforeValidator(_split)] = Field(
        [], description="Audiences of which a token must name one: the client id of this API, separated by commas."
    )
    oidc_tenants: Annotated[list[Word], BeforeValidator(_split)] = Field(
        [], description="Ids of the tenants whose tokens are taken, separated by commas."
    )
    oidc_scope: Word = Field("access_as_user", description="Scope that the token of a person must hold.")
    oidc_algorithms: Annotated[list[SigningAlgorithm], BeforeValidator(_split), Field(min_length=1)] = Field(
        ["RS256"], description="Algorithms by which tokens may be signed, separated by commas."
    )
    oidc_keys_url: GuardedAddress = Field(
        "", description="Address of the issuer's keys. Default: the one that its discovery document names."
    )
    bad_credentials_per_minute: int = Field(
        10,
        ge=1,
        le=100_000,
        description="Bad credentials of one token or one client that a process answers 401; more are answered 429.",
    )
    requests_per_minute: int = Field(
        0, ge=0, le=100_000, description="Requests of one token that a process takes in a minute; 0 is no limit."
    )
    trusted_proxies: Annotated[list[IPvAnyNetwork], BeforeValidator(_split)] = Field(
        [], description="Addresses or networks of proxies whose X-Forwarded-For is believed, separated by commas."
    )
    run_due_seconds: int = Field(
        60,
        ge=0,
        le=86_400,
        description="How often a server does what is due (drafts, publishing, deliveries); 0 leaves it to `run-due`.",
    )
    delivery_dir: str = Field(
        "", max_length=1000, description="Folder that published reports are written to, where a schedule says so."
    )
    smtp_url: MailServer = Field(
        "",
        description=(
            "Mail server: smtp://user:password@host:587 (encrypted where it can be, and always before a password is "
            "sent, unless it is on this machine), or smtps://host:465. Default: no mail."
        ),
    )
    mail_from: str = Field("", max_length=320, description="Address that mail comes from.")
    webhook_networks: Annotated[list[IPvAnyNetwork], BeforeValidator(_split)] = Field(
        [],
        description=(
            "Networks inside that webhooks may be posted to, by http too, separated by commas, e.g. 10.2.0.0/16. "
            "Default: none, so that they reach the open internet alone."
        ),
    )
    shutdown_seconds: int = Field(30, ge=1, le=600, description="How long requests in flight may take at shutdown.")

    @model_validator(mode="after")
    def _name_the_issuer_whole(self) -> Self:
        """Refuse an issuer of which too little is said: without audience and tenants anyone's tokens would do."""
        if self.oidc_issuer and not self.oidc_audience:
            raise _incomplete("TRACKER_OIDC_ISSUER needs TRACKER_OIDC_AUDIENCE: set it to the client id of this API.")
        if self.oidc_issuer and not self.oidc_tenants:
            raise _incomplete("TRACKER_OIDC_ISSUER needs TRACKER_OIDC_TENANTS: set it to the id of your tenant.")
        if not self.oidc_issuer and (self.oidc_audience or self.oidc_tenants or self.oidc_keys_url):
            raise _incomplete("TRACKER_OIDC_ISSUER is missing: set it, or leave out the other TRACKER_OIDC_ settings.")
        if len(self.oidc_tenants) > 1 and TENANT_PLACE not in self.oidc_issuer:
            raise _incomplete(
                f"TRACKER_OIDC_TENANTS names several, so TRACKER_OIDC_ISSUER needs {TENANT_PLACE} where a tenant goes."
            )
        return self

    @model_validator(mode="after")
    def _name_the_sender(self) -> Self:
        """Refuse a mail server without an address to send from."""
        if self.smtp_url and "@" not in self.mail_from:
            raise _incomplete("TRACKER_SMTP_URL needs TRACKER_MAIL_FROM: set it to the address that mail comes from.")
        return self

    @property
    def sqlalchemy_url(self) -> str:
        """The database as a URL without a driver: `sqlite:///…` or `postgresql://…`."""
        if self.database_url:
            return self.database_url
        return f"sqlite:///{self.data_dir / 'tracker.db'}"


def do_nothing_by_itself() -> None:
    """Have the servers that this process starts leave alone what is due, unless the environment says how often."""
    os.environ.setdefault(f"{PREFIX}RUN_DUE_SECONDS", "0")


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from the environment (or a mapping in its place).

    Raises:
        SettingsError: a variable that starts with TRACKER_ is unknown or its value cannot be used.
    """
    source = os.environ if environment is None else environment
    given = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in source.items()
        if name.startswith(PREFIX) and not name.startswith(f"{PREFIX}TEST_")
    }
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        raise SettingsError("\n".join(_words(fault["loc"], fault["msg"]) for fault in error.errors())) from None


def _incomplete(message: str) -> PydanticCustomError:
    # The words would else be taken for a template.
    return PydanticCustomError("incomplete", "{message}", {"message": message})


def _words(place: tuple[int | str, ...], message: str) -> str:
    """Return what is wrong with one setting, and what it is for; what is wrong with several together says it itself."""
    if not place:
        return message
    name = place[0]
    variable, field = f"{PREFIX}{name}".upper(), Settings.model_fields.get(str(name))
    if field is None:
        return f"{variable}: there is no such setting; `tracker serve --help` lists them."
    return f"{variable} cannot be used: {message}. It says: {field.description}"
