"""Reading the settings."""

from ipaddress import ip_network
from pathlib import Path

import pytest

from service.settings import Settings, SettingsError, is_guarded_address, read_settings


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
        ("OIDC_ISSUER", "http://login.example/v2.0"),
        ("OIDC_KEYS_URL", "file:///etc/passwd"),
        ("OIDC_ALGORITHMS", ""),
        ("OIDC_ALGORITHMS", "none"),
        ("OIDC_ALGORITHMS", "RS256,HS256"),
        ("OIDC_ALGORITHMS", "rs256"),
        ("OIDC_SCOPE", ""),
        ("OIDC_SCOPE", "two scopes"),
        ("OIDC_TENANTS", "a b"),
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
        read_settings({"TRACKER_DATABASE_URL": "postgresql://u:secret-word@h/x", "TRACKER_PORT": "x"})
    assert "secret-word" not in str(refused.value)


def test_settings_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().port = 1  # type: ignore[misc]


def test_every_setting_says_what_it_is_for() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


ISSUER = {
    "TRACKER_OIDC_ISSUER": "https://login.example/tenant/v2.0",
    "TRACKER_OIDC_AUDIENCE": "client",
    "TRACKER_OIDC_TENANTS": "tenant",
}


def test_an_issuer_with_audience_and_tenant_is_whole() -> None:
    settings = read_settings(ISSUER)
    assert (settings.oidc_audience, settings.oidc_tenants) == (["client"], ["tenant"])
    assert (settings.oidc_algorithms, settings.oidc_scope) == (["RS256"], "access_as_user")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"AUDIENCE": ""}, "TRACKER_OIDC_ISSUER needs TRACKER_OIDC_AUDIENCE: set it to the client id of this API."),
        ({"TENANTS": " , "}, "TRACKER_OIDC_ISSUER needs TRACKER_OIDC_TENANTS: set it to the id of your tenant."),
        ({"ISSUER": ""}, "TRACKER_OIDC_ISSUER is missing: set it, or leave out the other TRACKER_OIDC_ settings."),
        (
            {"TENANTS": "one,two"},
            "TRACKER_OIDC_TENANTS names several, so TRACKER_OIDC_ISSUER needs {tenantid} where a tenant goes.",
        ),
    ],
)
def test_an_issuer_of_which_too_little_is_said_is_refused(changes: dict[str, str], said: str) -> None:
    given = {**ISSUER, **{f"TRACKER_OIDC_{name}": value for name, value in changes.items()}}
    with pytest.raises(SettingsError) as refused:
        read_settings(given)
    assert str(refused.value) == said


def test_an_issuer_may_have_several_tenants_where_it_has_a_place_for_them() -> None:
    several = {"TRACKER_OIDC_ISSUER": "https://login.example/{tenantid}/v2.0", "TRACKER_OIDC_TENANTS": "one,two"}
    assert read_settings({**ISSUER, **several}).oidc_tenants == ["one", "two"]


@pytest.mark.parametrize(
    ("url", "guarded"),
    [
        ("https://login.example/tenant/v2.0", True),
        ("https://login.example:8443/{tenantid}/v2.0", True),
        ("http://127.0.0.1:8080/v2.0", True),
        ("http://[::1]/v2.0", True),
        ("http://localhost/v2.0", True),
        ("http://login.example/v2.0", False),
        ("http://127.0.0.1.login.example/v2.0", False),
        ("http://localhost@login.example/v2.0", False),
        ("https://user:password@login.example/v2.0", False),
        ("https://login.example:port/v2.0", False),
        ("https://login.example/#keys", False),
        ("https://[::1/v2.0", False),
        ("https:///v2.0", False),
        ("https://login.example/a b", False),
        ("https://login.example/a\r\nHost: b", False),
        ("https://lögin.example/", False),
        ("ftp://127.0.0.1/keys", False),
        ("file:///etc/passwd", False),
        ("login.example", False),
        ("", False),
    ],
)
def test_an_address_is_guarded_where_nobody_on_the_way_can_change_the_answer(url: str, guarded: bool) -> None:
    assert is_guarded_address(url) is guarded
