"""The only reader of the environment: every setting is a `TRACKER_…` variable."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, IPvAnyNetwork, ValidationError

PREFIX = "TRACKER_"


class SettingsError(ValueError):
    """A `TRACKER_…` variable is unknown or has a value that cannot be used; the text says which."""


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


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
    pool_size: int = Field(10, ge=1, le=200, description="PostgreSQL connections of one process.")
    lock_timeout_seconds: float = Field(
        10.0, gt=0, le=600, description="How long a request waits for the database before it answers 503."
    )
    body_limit_bytes: int = Field(1_000_000, ge=1_000, le=1_000_000_000, description="Largest request body taken.")
    cors_origins: Annotated[list[str], BeforeValidator(_split)] = Field(
        [], description="Web origins that may call the API from a browser, separated by commas. Default: none."
    )
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="Least level that is logged.")
    access_log: bool = Field(False, description="One log line for every request.")
    bad_credentials_per_minute: int = Field(
        10,
        ge=1,
        le=1000,
        description="Bad credentials of one token or one client that a process answers 401; more are answered 429.",
    )
    requests_per_minute: int = Field(
        0, ge=0, le=100_000, description="Requests of one token that a process takes in a minute; 0 is no limit."
    )
    trusted_proxies: Annotated[list[IPvAnyNetwork], BeforeValidator(_split)] = Field(
        [], description="Addresses or networks of proxies whose X-Forwarded-For is believed, separated by commas."
    )
    shutdown_seconds: int = Field(30, ge=1, le=600, description="How long requests in flight may take at shutdown.")

    @property
    def sqlalchemy_url(self) -> str:
        """The database as a URL without a driver: `sqlite:///…` or `postgresql://…`."""
        if self.database_url:
            return self.database_url
        return f"sqlite:///{self.data_dir / 'tracker.db'}"


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
        raise SettingsError("\n".join(_words(fault["loc"][0], fault["msg"]) for fault in error.errors())) from None


def _words(name: int | str, message: str) -> str:
    """Return what is wrong with one setting, and what it is for."""
    variable, field = f"{PREFIX}{name}".upper(), Settings.model_fields.get(str(name))
    if field is None:
        return f"{variable}: there is no such setting; `tracker serve --help` lists them."
    return f"{variable} cannot be used: {message}. It says: {field.description}"
