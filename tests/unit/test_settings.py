"""Reading the settings."""

from ipaddress import ip_network
from pathlib import Path

import pytest

from service.settings import Settings, SettingsError, read_settings


def test_without_a_word_it_serves_this_machine_from_a_file() -> None:
    settings = read_settings({})
    assert (settings.host, settings.port, settings.sqlalchemy_url) == ("127.0.0.1", 8000, "sqlite:///data/tracker.db")


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({"TRACKER_DATA_DIR": "/srv/plan"}, "sqlite:////srv/plan/tracker.db"),
        ({"TRACKER_DATABASE_URL": "postgresql://h/plan"}, "postgresql://h/plan"),
        ({"TRACKER_DATABASE_URL": "", "TRACKER_DATA_DIR": "x"}, "sqlite:///x/tracker.db"),
        ({"TRACKER_DATABASE_URL": "sqlite:///y.db", "TRACKER_DATA_DIR": "x"}, "sqlite:///y.db"),
    ],
)
def test_the_address_of_the_database(given: dict[str, str], url: str) -> None:
    assert read_settings(given).sqlalchemy_url == url


@pytest.mark.parametrize(
    ("name", "value", "held"),
    [
        ("data_dir", "/srv", Path("/srv")),
        ("port", "0", 0),
        ("port", "65535", 65535),
        ("workers", "64", 64),
        ("lock_timeout_seconds", "0.5", 0.5),
        ("cors_origins", "https://a.example, https://b.example,", ["https://a.example", "https://b.example"]),
        ("cors_origins", "", []),
        ("trusted_proxies", "10.0.0.0/8, 2001:db8::1", [ip_network("10.0.0.0/8"), ip_network("2001:db8::1/128")]),
        ("trusted_proxies", "", []),
        ("requests_per_minute", "0", 0),
        ("log_level", "DEBUG", "DEBUG"),
        ("access_log", "true", True),
        ("access_log", "0", False),
    ],
)
def test_a_value_is_read_as_what_it_means(name: str, value: str, held: object) -> None:
    assert getattr(read_settings({f"TRACKER_{name.upper()}": value}), name) == held


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "abc"),
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("PORT", ""),
        ("WORKERS", "0"),
        ("WORKERS", "65"),
        ("POOL_SIZE", "0"),
        ("LOCK_TIMEOUT_SECONDS", "0"),
        ("LOCK_TIMEOUT_SECONDS", "nan"),
        ("LOCK_TIMEOUT_SECONDS", "inf"),
        ("BODY_LIMIT_BYTES", "999"),
        ("BAD_CREDENTIALS_PER_MINUTE", "0"),
        ("REQUESTS_PER_MINUTE", "-1"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("TRUSTED_PROXIES", "10.0.0.0/8, proxy.example"),
        ("LOG_LEVEL", "TRACE"),
        ("LOG_LEVEL", "info"),
        ("ACCESS_LOG", "perhaps"),
        ("SHUTDOWN_SECONDS", "1.5"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_with_what_the_setting_is_for(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings({f"TRACKER_{name}": value})
    said, description = str(refused.value), Settings.model_fields[name.lower()].description
    assert said.startswith(f"TRACKER_{name} cannot be used: ")
    assert said.endswith(f"It says: {description}")


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(
        SettingsError, match="TRACKER_PROT: there is no such setting; `tracker serve --help` lists them"
    ):
        read_settings({"TRACKER_PROT": "8000"})


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings({"TRACKER_PORT": "x", "TRACKER_WORKERS": "x", "TRACKER_NONE": "x"})
    named = [line.split(" ")[0].rstrip(":") for line in str(refused.value).splitlines()]
    assert sorted(named) == ["TRACKER_NONE", "TRACKER_PORT", "TRACKER_WORKERS"]


def test_what_belongs_to_others_or_to_the_tests_is_left_alone() -> None:
    assert read_settings({"PATH": "/bin", "PORT": "1", "TRACKER_TEST_DATABASE_URL": "x"}) == Settings()


def test_a_refusal_keeps_the_secret_of_an_address() -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings({"TRACKER_DATABASE_URL": "postgresql://u:hunter2@h/x", "TRACKER_PORT": "x"})
    assert "hunter2" not in str(refused.value)


def test_settings_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().port = 1  # type: ignore[misc]


def test_every_setting_says_what_it_is_for() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
