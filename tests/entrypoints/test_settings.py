import pytest
from cryptography.fernet import Fernet

from domain.identifiers import Secret
from entrypoints.settings import LogFormat, SettingsError, read_settings, read_tokens

KEY, OLD_KEY = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def test_an_empty_environment_gives_the_documented_defaults() -> None:
    settings = read_settings({})

    assert settings.database_url == "sqlite:///var/ponte.db"
    assert settings.public_url == "http://127.0.0.1:8000"
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.huggy_api_url == "https://api.huggy.app/v3"
    assert settings.huggy_auth_url == "https://auth.huggy.app"
    assert (settings.huggy_client_id, settings.huggy_client_secret, settings.smtp_url) == ("", None, None)
    assert settings.private_hosts == frozenset()
    assert settings.log_format is LogFormat.CONSOLE


def test_every_variable_is_read() -> None:
    settings = read_settings(
        {
            "PONTE_DATABASE_URL": "postgresql://ponte:senha@db/ponte",
            "PONTE_PUBLIC_URL": "https://ponte.exemplo.com.br/",
            "PONTE_HOST": "0.0.0.0",  # noqa: S104
            "PONTE_PORT": "9000",
            "PONTE_SECRET_KEYS": f"{KEY}, {OLD_KEY}",
            "PONTE_HUGGY_API_URL": "http://127.0.0.1:9001/v3/",
            "PONTE_HUGGY_AUTH_URL": "http://127.0.0.1:9002",
            "PONTE_HUGGY_CLIENT_ID": "APP-1",
            "PONTE_HUGGY_CLIENT_SECRET": "segredo",
            "PONTE_SMTP_URL": "smtps://aviso:senha@mail.exemplo.com.br:465",
            "PONTE_PRIVATE_HOSTS": "127.0.0.1:9003, ERP.local:8080,[::1]:9004",
            "PONTE_LOG_FORMAT": "json",
        }
    )

    assert settings.database_url == "postgresql://ponte:senha@db/ponte"
    assert settings.public_url == "https://ponte.exemplo.com.br"
    assert (settings.host, settings.port) == ("0.0.0.0", 9000)  # noqa: S104
    assert settings.keys() == (Secret(value=KEY), Secret(value=OLD_KEY))
    assert settings.huggy_api_url == "http://127.0.0.1:9001/v3"
    assert settings.huggy_auth_url == "http://127.0.0.1:9002"
    assert settings.huggy_client_id == "APP-1"
    assert settings.huggy_client_secret == Secret(value="segredo")
    assert settings.smtp_url == Secret(value="smtps://aviso:senha@mail.exemplo.com.br:465")
    assert settings.private_hosts == {"127.0.0.1:9003", "erp.local:8080", "[::1]:9004"}
    assert settings.log_format is LogFormat.JSON


def test_an_empty_variable_counts_as_not_set() -> None:
    assert read_settings({"PONTE_PORT": " ", "PONTE_SMTP_URL": "", "PONTE_LOG_FORMAT": ""}) == read_settings({})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PONTE_DATABASE_URL", "mysql://db/ponte"),
        ("PONTE_DATABASE_URL", "var/ponte.db"),
        ("PONTE_DATABASE_URL", "sqlite://"),
        ("PONTE_PUBLIC_URL", "ponte.exemplo.com.br"),
        ("PONTE_PUBLIC_URL", "https://"),
        ("PONTE_PUBLIC_URL", "https://admin:senha@ponte.exemplo.com.br"),
        ("PONTE_PUBLIC_URL", "https://ponte.exemplo.com.br:porta"),
        ("PONTE_PORT", "oitenta"),
        ("PONTE_PORT", "65536"),
        ("PONTE_PORT", "-1"),
        ("PONTE_PORT", "８０"),
        ("PONTE_SECRET_KEYS", "curta"),
        ("PONTE_SECRET_KEYS", f"{KEY},{KEY[:-4]}"),
        ("PONTE_SECRET_KEYS", f"{KEY}é"),
        ("PONTE_HUGGY_API_URL", "ftp://api.huggy.app"),
        ("PONTE_HUGGY_AUTH_URL", "auth"),
        ("PONTE_SMTP_URL", "mail.exemplo.com.br"),
        ("PONTE_PRIVATE_HOSTS", "127.0.0.1"),
        ("PONTE_PRIVATE_HOSTS", "http://127.0.0.1:80"),
        ("PONTE_PRIVATE_HOSTS", "127.0.0.1:0"),
        ("PONTE_LOG_FORMAT", "xml"),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_variable(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings({name: value})

    assert str(refused.value).startswith(f"{name}: ")


@pytest.mark.parametrize(
    "name", ["PONTE_DATABASE_URL", "PONTE_PUBLIC_URL", "PONTE_PORT", "PONTE_SECRET_KEYS", "PONTE_PRIVATE_HOSTS"]
)
def test_a_secret_in_the_wrong_variable_is_not_shown(name: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings({name: "hunter2"})

    assert "hunter2" not in str(refused.value)


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings({"PONTE_PORT": "x", "PONTE_SECRET_KEYS": "curta", "PONTE_LOG_FORMAT": "xml"})

    assert [problem.partition(":")[0] for problem in refused.value.problems] == [
        "PONTE_PORT",
        "PONTE_SECRET_KEYS",
        "PONTE_LOG_FORMAT",
    ]


def test_without_keys_whoever_needs_them_is_told_how_to_get_one() -> None:
    with pytest.raises(SettingsError, match="ponte keys new"):
        read_settings({}).keys()


def test_settings_never_show_a_secret() -> None:
    settings = read_settings(
        {
            "PONTE_DATABASE_URL": "postgresql://ponte:hunter2@db/ponte",
            "PONTE_SECRET_KEYS": KEY,
            "PONTE_HUGGY_CLIENT_SECRET": "hunter2",
            "PONTE_SMTP_URL": "smtp://aviso:hunter2@mail",
        }
    )

    assert "hunter2" not in repr(settings)
    assert KEY not in repr(settings)


def test_tokens_for_the_command_line_come_from_the_environment() -> None:
    tokens = read_tokens({"PONTE_ERP_TOKEN": "erp-1", "PONTE_HUGGY_TOKEN": " "})

    assert tokens.erp == Secret(value="erp-1")
    assert tokens.huggy is None
