"""The configuration file: its fixed shape, and everything wrong with it told at once."""

from pathlib import Path

import pytest

from holdfast.config import Role, Settings, from_env, load
from holdfast.node import check_role
from holdfast.problems import ConfigError

WHOLE = """
[server]
host = "127.0.0.1"
port = 8700
data_dir = "./holdfast-data"
language = "auto"

[providers.proxy]
dialect = "chat"
base_url = "https://proxy.example/v1"
api_keys = ["env:PROXY_KEY"]
continuation = "auto"
timeouts = { connect = 5, headers = 30, first_event = 45, bytes_idle = 45, content_idle = 60 }

[providers.backup]
base_url = "https://backup.example/v1"
api_keys = ["sk-one", "sk-two"]

[routes."gpt-5.5"]
targets = ["proxy/gpt-5.5", "backup/gpt-5.4"]
deadline = 900

[gateway]
api_keys = ["env:HOLDFAST_KEY"]
disclose = "full"
"""
ENV = {"PROXY_KEY": "sk-proxy", "HOLDFAST_KEY": "hf-key"}


def read(tmp_path: Path, text: str, env: dict[str, str] | None = None) -> Settings:
    file = tmp_path / "holdfast.toml"
    file.write_text(text, encoding="utf-8")
    return load(file, ENV if env is None else env)


def problems(tmp_path: Path, text: str, env: dict[str, str] | None = None) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text, env)
    assert str(tmp_path / "holdfast.toml") in str(caught.value)
    return {p.key: f"{p.en} | {p.remedy_en}" for p in caught.value.problems}


def test_the_whole_file_is_understood(tmp_path: Path) -> None:
    settings = read(tmp_path, WHOLE)
    proxy = settings.providers["proxy"]
    assert proxy.base_url == "https://proxy.example/v1"
    assert [key.get_secret_value() for key in proxy.api_keys] == ["sk-proxy"]
    assert proxy.timeouts.content_idle == 60
    assert len(settings.providers["backup"].api_keys) == 2
    assert settings.routes["gpt-5.5"].targets == ("proxy/gpt-5.5", "backup/gpt-5.4")
    assert settings.server.data_dir == tmp_path / "holdfast-data"
    assert settings.gateway.disclose == "full"


def test_no_secret_shows_in_the_settings(tmp_path: Path) -> None:
    text = repr(read(tmp_path, WHOLE))
    assert not any(secret in text for secret in ("sk-proxy", "sk-one", "sk-two", "hf-key"))


def test_all_problems_are_told_at_once_with_file_key_and_remedy(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        """
        [server]
        prot = 1
        port = "many"
        [providers.proxy]
        base_url = "proxy.example"
        api_keys = ["env:MISSING"]
        timeouts = { conect = 5, headers = -1 }
        [routes."gpt-5.5"]
        targets = ["porxy/gpt-5.5", "gpt-5.4"]
        deadline = "long"
        [gateway]
        disclose = "everything"
        [gatway]
        """,
        {},
    )
    assert found == {
        "server.prot": 'unknown key "prot" | did you mean "port"?',
        "server.port": "wrong value | write a whole number",
        "providers.proxy.base_url": (
            "wrong value | write a URL that begins with http:// or https://"
        ),
        "providers.proxy.api_keys[0]": (
            "the environment variable MISSING is not set"
            " | set MISSING before starting, or remove this entry"
        ),
        "providers.proxy.timeouts.conect": 'unknown key "conect" | did you mean "connect"?',
        "providers.proxy.timeouts.headers": "wrong value | write a number greater than 0",
        'routes."gpt-5.5".deadline': "wrong value | write a number",
        'routes."gpt-5.5".targets[0]': 'unknown provider "porxy" | did you mean "proxy"?',
        'routes."gpt-5.5".targets[1]': (
            '"gpt-5.4" is not of the form "provider/model"'
            ' | write the provider first, e.g. "proxy/gpt-5.4"'
        ),
        "gateway.disclose": "wrong value | write one of 'public', 'tenant' or 'full'",
        "gatway": 'unknown key "gatway" | did you mean "gateway"?',
    }


def test_problems_are_said_in_chinese_too(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, WHOLE, {})
    chinese = caught.value.say("zh")
    assert "没有设置环境变量 PROXY_KEY" in chinese
    assert "没有设置环境变量 HOLDFAST_KEY" in chinese


def test_wrong_values_are_not_repeated_since_they_may_be_secrets(tmp_path: Path) -> None:
    found = problems(tmp_path, WHOLE.replace('["sk-one", "sk-two"]', '"sk-misplaced-secret"'))
    assert list(found) == ["providers.backup.api_keys"]
    assert "sk-misplaced-secret" not in str(found)


@pytest.mark.parametrize(
    ("text", "word"),
    [("[server", "not valid TOML"), ("", "no route is defined"), ("x = 1", 'unknown key "x"')],
)
def test_broken_or_empty_files_are_explained(tmp_path: Path, text: str, word: str) -> None:
    assert any(word in line for line in problems(tmp_path, text).values())


def test_a_byte_order_mark_and_windows_line_ends_are_no_fault(tmp_path: Path) -> None:
    file = tmp_path / "holdfast.toml"
    file.write_bytes(b"\xef\xbb\xbf" + WHOLE.replace("\n", "\r\n").encode())
    assert load(file, ENV) == read(tmp_path, WHOLE)


def test_a_file_in_another_encoding_is_explained(tmp_path: Path) -> None:
    file = tmp_path / "holdfast.toml"
    file.write_bytes("# 中文".encode("gb18030"))
    with pytest.raises(ConfigError) as caught:
        load(file, ENV)
    assert "UTF-8 编码重新保存" in caught.value.say("zh")


@pytest.mark.parametrize(
    "url", ["http://h:99999/v1", "http://h:0", "http://[::1/v1", "http://a b/v1", "http://h:x/v1"]
)
def test_an_address_that_cannot_be_asked_is_explained(tmp_path: Path, url: str) -> None:
    found = problems(tmp_path, WHOLE.replace("https://proxy.example/v1", url))
    assert list(found) == ["providers.proxy.base_url"]


@pytest.mark.parametrize("secret", ["Bearer sk-one", "sk-中文", "sk-one\n", "“sk-one”"])
def test_a_key_that_cannot_be_sent_is_explained_and_not_repeated(
    tmp_path: Path, secret: str
) -> None:
    found = problems(tmp_path, WHOLE, {**ENV, "PROXY_KEY": secret})
    assert list(found) == ["providers.proxy.api_keys[0]"]
    assert secret not in str(found)


def test_a_database_of_another_kind_is_explained(tmp_path: Path) -> None:
    text = WHOLE.replace("[server]", '[server]\ndatabase_url = "mysql://host/name"')
    assert list(problems(tmp_path, text)) == ["server.database_url"]


@pytest.mark.parametrize("shard", ["[2, 2]", "[1, 0]", "[-1, 2]", "[0]", "3"])
def test_a_shard_is_one_of_those_there_are(tmp_path: Path, shard: str) -> None:
    bot = f"""
[bots.helper]
platform = "qq"
app_id = "1"
app_secret = "env:PROXY_KEY"
route = "gpt-5.5"
shard = {shard}
"""
    found = problems(tmp_path, WHOLE + bot)
    assert all(name.startswith("bots.helper.shard") for name in found)
    assert found


def test_a_missing_file_is_explained(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "none.toml", {})


def test_listening_beyond_loopback_needs_a_key(tmp_path: Path) -> None:
    exposed = WHOLE.replace('"127.0.0.1"', '"0.0.0.0"')
    assert read(tmp_path, exposed).server.host == "0.0.0.0"
    keyless = exposed.replace('api_keys = ["env:HOLDFAST_KEY"]', "")
    assert list(problems(tmp_path, keyless)) == ["gateway.api_keys"]


def test_the_command_line_cannot_expose_a_keyless_gateway(tmp_path: Path) -> None:
    settings = read(tmp_path, WHOLE.replace('api_keys = ["env:HOLDFAST_KEY"]', ""))
    assert settings.listening("localhost", 9).server.port == 9
    with pytest.raises(ConfigError, match=r"gateway\.api_keys"):
        settings.listening("0.0.0.0", None)


def test_an_endpoint_is_not_a_base_url(tmp_path: Path) -> None:
    pasted = WHOLE.replace(
        "https://proxy.example/v1", "https://u:secretpw@proxy.example/v1/chat/completions"
    )
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, pasted)
    assert [p.key for p in caught.value.problems] == ["providers.proxy.base_url"] * 2
    assert "secretpw" not in str(caught.value)


def test_the_openai_variables_make_a_provider_for_any_model() -> None:
    settings = from_env({"OPENAI_API_KEY": "sk-1", "OPENAI_BASE_URL": "http://127.0.0.1:1/v1"})
    assert settings is not None
    assert settings.providers["openai"].base_url == "http://127.0.0.1:1/v1"
    assert settings.routes["*"].targets == ("openai/*",)
    assert from_env({}) is None


def test_a_cluster_needs_a_database_that_it_can_share(tmp_path: Path) -> None:
    told = problems(tmp_path, f'{WHOLE}\n[cluster]\nnats = "127.0.0.1:4222"\n')
    assert list(told) == ["cluster.nats", "server.database_url"]
    assert "nats://host:4222" in told["cluster.nats"]


def test_a_part_in_a_cluster_needs_a_cluster(tmp_path: Path) -> None:
    settings = read(tmp_path, WHOLE)
    check_role(settings, Role.ALL)
    with pytest.raises(ConfigError, match=r"cluster\.nats.*leave out --role"):
        check_role(settings, Role.WORKER)
