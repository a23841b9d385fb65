"""compose.yml: who may what, and whether it agrees with the service's own figures."""

import re
import subprocess
from typing import Any

import pytest

from localroots_chat import settings
from localroots_chat.gateway.server import configuration
from tests.docker import files
from tests.docker.native import Operator
from tests.support.environment import KEYS

CONTENT = files.compose({"PUBLIC_URL": "https://chat.example.org"})
SERVICES: dict[str, dict[str, Any]] = CONTENT["services"]
NGINX = (files.DOCKER / "nginx/nginx.conf").read_text(encoding="utf-8")
pytestmark = pytest.mark.timeout(600)


def seconds(text: str) -> float:
    return float(text.removesuffix("s"))


def nginx_says(directive: str) -> list[str]:
    return re.findall(rf"^\s*{directive} ([^;]+);", NGINX, re.MULTILINE)


def test_images_are_named_by_their_versions() -> None:
    foreign = {name: service["image"] for name, service in SERVICES.items() if "build" not in service}
    assert set(foreign) == {"db", "redis", "nginx"}
    for image in foreign.values():
        assert re.fullmatch(r"[a-z]+:\d+\.\d+(\.\d+)?-[a-z-]+", image), image


def test_it_does_not_start_without_an_address() -> None:
    with pytest.raises(KeyError, match="PUBLIC_URL"):
        files.compose({})


def test_only_nginx_is_reached_from_outside() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service or "network_mode" in service] == ["nginx"]
    assert SERVICES["nginx"]["networks"] == ["edge"]
    assert SERVICES["db"]["networks"] == SERVICES["redis"]["networks"] == ["data"]
    assert CONTENT["networks"]["data"]["internal"] is True


@pytest.mark.parametrize("name", SERVICES)
def test_nobody_is_root_or_can_become_it(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "privileged" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "build" in service or service["user"] in {"postgres", "redis", "nginx"}
    assert service.get("read_only") is True or name == "db"


def test_secrets_come_as_files(operator: Operator) -> None:
    declared = CONTENT["secrets"]
    made = {path.name for path in operator.secret("").iterdir()}
    given = {secret for service in SERVICES.values() for secret in service.get("secrets", [])}
    assert made == set(declared) == given
    for name, secret in declared.items():
        assert secret == {"file": f"secrets/{name}"}
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            assert name not in {*KEYS, "DATABASE_URL", "REDIS_URL", "POSTGRES_PASSWORD"}
            if name.endswith("_FILE"):
                assert value.removeprefix("/run/secrets/") in service["secrets"]


def test_secrets_are_random_readable_in_containers_and_kept(operator: Operator) -> None:
    folder = operator.secret("")
    assert folder.stat().st_mode & 0o777 == 0o700
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for path in folder.iterdir():
        assert path.stat().st_mode & 0o777 == 0o644, path.name
    keys = {name.lower() for name in KEYS}
    assert all(re.fullmatch(rb"[0-9a-f]{64}\n", before[name]) for name in keys)
    assert len({before[name] for name in keys}) == len(keys)
    assert operator.makes_secrets() == ""
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("address", ["", "chat.example.org", "http://chat.example.org", "https://"])
def test_secrets_are_not_made_for_an_address_without_tls(operator: Operator, address: str) -> None:
    ran = subprocess.run([operator.folder / "docker/make-secrets", address], capture_output=True, text=True)
    assert ran.returncode == 2
    assert "https://chat.example.org" in ran.stderr


def test_git_keeps_away_from_what_make_secrets_made() -> None:
    ignored = (files.DOCKER / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {"/.env", "/secrets/"} <= set(ignored)


def test_the_chat_believes_nginx_and_nobody_else() -> None:
    [network] = CONTENT["networks"]["edge"]["ipam"]["config"]
    assert SERVICES["chat"]["environment"]["FORWARDED_ALLOW_IPS"] == network["subnet"]
    assert "add_x_forwarded_for" not in NGINX


def test_there_is_time_to_end_in_order() -> None:
    drain = configuration("127.0.0.1", 8000, 1).timeout_graceful_shutdown
    assert drain
    assert seconds(SERVICES["chat"]["stop_grace_period"]) >= drain + 10


def test_nginx_waits_longer_than_silence() -> None:
    [read], [write] = nginx_says("proxy_read_timeout"), nginx_says("proxy_send_timeout")
    assert min(seconds(read), seconds(write)) > settings.CHAT_SILENCE_SECONDS > settings.CHAT_HEARTBEAT_SECONDS


def test_connections_are_enough_for_the_replicas() -> None:
    chat = SERVICES["chat"]
    [limit] = [int(part.partition("=")[2]) for part in SERVICES["db"]["command"] if part.startswith("max_connections=")]
    own = settings.CHAT_DATABASE_THREADS + settings.CHAT_HTTP_THREADS + settings.CHAT_UPLOAD_THREADS
    assert limit >= 12 * own
    assert int(chat["deploy"]["replicas"]) <= 12


def test_pictures_outlive_containers() -> None:
    chat = SERVICES["chat"]
    assert chat["volumes"] == [f"media:{chat['environment']['MEDIA_ROOT']}"]
    assert "media" in CONTENT["volumes"]
    assert any(line.value == "install -d -o 10001 -g 10001 media" for line in files.stages()[-1].instructions)
