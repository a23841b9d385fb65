"""The environment that tests and the servers they start run in: keys, hosts, and nothing of the developer's own."""

import os
from collections.abc import Mapping

from tests.support.processes import temporary_directory

KEYS = {name: f"{name.lower()}-for-tests-only-0123456789" for name in ("SECRET_KEY", "JWT_SIGNING_KEY")} | {
    name: f"{name.lower()}-for-tests-only-abcdefghijklmnop" for name in ("AUTH_SECRET", "SERVER_KEY")
}
# What a developer's shell may hold and a test must not depend on.
_SETTINGS = {
    *KEYS,
    "DATABASE_URL",
    "REDIS_URL",
    "PUBLIC_URL",
    "DEBUG",
    "ALLOWED_HOSTS",
    "ALLOWED_ORIGINS",
    "MEDIA_ROOT",
    "LOG_LEVEL",
}


def _is_setting(name: str) -> bool:
    # NAME_FILE too: it would go before the value that we set.
    return name.removesuffix("_FILE") in _SETTINGS or name.startswith("CHAT_")


def clean(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without any setting of the service."""
    return {name: value for name, value in environment.items() if not _is_setting(name)}


def settings(*, database_url: str, redis_url: str | None, media_root: str) -> dict[str, str]:
    """The settings of a test run, or of one server in it."""
    return {
        **KEYS,
        "ALLOWED_HOSTS": "127.0.0.1,localhost,testserver",
        "DATABASE_URL": database_url,
        "MEDIA_ROOT": media_root,
        **({"REDIS_URL": redis_url} if redis_url else {}),
    }


def enter(*, database_url: str, redis_url: str) -> None:
    """Make it this process's environment. Must come before anything reads Django's settings."""
    own = settings(database_url=database_url, redis_url=redis_url, media_root=str(temporary_directory("chat-media")))
    for name in [name for name in os.environ if _is_setting(name)]:
        del os.environ[name]
    os.environ.update(own)
