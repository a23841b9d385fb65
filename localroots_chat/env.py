"""Typed readers of the environment. A bad value stops the start with a sentence that names the variable.

Every reader also takes NAME_FILE, the path of a file that holds the value (Docker and systemd secrets).
For development, keys that are missing are made once and kept in a git-ignored file beside manage.py.
"""

import json
import os
import re
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured


def text(name: str, default: str = "") -> str:
    """The variable as it is, or what the file named by NAME_FILE holds."""
    path = os.environ.get(f"{name}_FILE")
    if path:
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE: cannot read {path}: {error.strerror}.") from error
    return os.environ.get(name, default)


def flag(name: str, *, default: bool) -> bool:
    """1/true/yes/on or 0/false/no/off."""
    value = text(name).lower()
    if not value:
        return default
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} must be 1 or 0, not {value!r}.")


def number(name: str, default: int, *, least: int = 0) -> int:
    """A whole number, at least `least`."""
    value = text(name)
    if not value:
        return default
    if not value.isdecimal() or int(value) < least:
        raise ImproperlyConfigured(f"{name} must be a whole number of at least {least}, not {value!r}.")
    return int(value)


def seconds(name: str, default: float) -> float:
    """A positive number of seconds."""
    value = text(name)
    if not value:
        return default
    try:
        parsed = float(value)
    except ValueError:
        parsed = -1.0
    if not 0 < parsed < 1e9:
        raise ImproperlyConfigured(f"{name} must be a positive number of seconds, not {value!r}.")
    return parsed


def share(name: str, default: float) -> float:
    """A number from 0 to 1."""
    value = text(name)
    try:
        parsed = float(value or default)
    except ValueError:
        parsed = -1.0
    if not 0 <= parsed <= 1:
        raise ImproperlyConfigured(f"{name} must be a number from 0 to 1, not {value!r}.")
    return parsed


def words(name: str, default: list[str] | None = None) -> list[str]:
    """A list, separated by commas."""
    value = text(name)
    return [part.strip() for part in value.split(",") if part.strip()] if value else list(default or [])


def rate(name: str, default: str) -> tuple[int, float]:
    """(count, window in seconds) from "10/10s"."""
    value = text(name) or default
    found = re.fullmatch(r"(\d{1,9})/(\d{1,6})s", value)
    if found is None or int(found[1]) < 1 or int(found[2]) < 1:
        raise ImproperlyConfigured(f'{name} must look like "10/10s" (count per seconds), not {value!r}.')
    return int(found[1]), float(found[2])


def web_address(name: str, default: str = "") -> str:
    """An http(s) origin without path or trailing slash, such as https://chat.example.org."""
    value = (text(name) or default).rstrip("/")
    if not value:
        return ""
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path or parts.query:
        raise ImproperlyConfigured(f"{name} must be an address such as https://chat.example.org, not {value!r}.")
    return value


def redis_url(name: str) -> str:
    """A redis://, rediss:// or unix:// address, or nothing."""
    value = text(name)
    if value and urlsplit(value).scheme not in {"redis", "rediss", "unix"}:
        raise ImproperlyConfigured(f"{name} must start with redis://, rediss:// or unix://.")
    return value


def s3_patience() -> Any:
    """How long S3 is waited for: its own default is a minute, several times."""
    from botocore.config import Config

    return Config(connect_timeout=3, read_timeout=10, retries={"max_attempts": 2}, signature_version="s3v4")


def database(name: str, default_file: Path) -> dict[str, Any]:
    """Django's database settings from postgresql://user:password@host:port/name?option=… or sqlite:///path."""
    value = text(name)
    if not value:
        return _sqlite(default_file)
    parts = urlsplit(value)
    if parts.scheme == "sqlite":
        return _sqlite(Path(unquote(parts.path[1:])) if parts.path[1:] else default_file)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ImproperlyConfigured(f"{name} must start with postgresql:// or sqlite:///.")
    options: dict[str, Any] = dict(parse_qsl(parts.query))
    try:
        port = parts.port
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} has a port that is not a number.") from error
    return {
        "ENGINE": "localroots_chat.postgresql",
        "NAME": unquote(parts.path[1:]),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", None) or unquote(parts.hostname or ""),
        "PORT": str(port or ""),
        "OPTIONS": options,
    }


def _sqlite(file: Path) -> dict[str, Any]:
    # WAL lets readers go on while one writes; IMMEDIATE takes the write lock at BEGIN, because a transaction
    # that reads first and writes later is refused at once when somebody else wrote in between.
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(file),
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL",
        },
    }


def development_key(name: str, file: Path) -> str:
    """A key made once and kept in `file`, so that every process of a developer's machine has the same.

    Settings call this only where production is off.
    """
    for _ in range(2):
        try:
            kept: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
            return kept[name]
        except (OSError, ValueError, KeyError):
            _make_keys(file)
    return secrets.token_urlsafe(48)  # the folder cannot be written: a key for this process alone


def _make_keys(file: Path) -> None:
    names = ("SECRET_KEY", "JWT_SIGNING_KEY", "AUTH_SECRET", "SERVER_KEY")
    fresh = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        fresh.write_text(json.dumps({key: secrets.token_urlsafe(48) for key in names}), encoding="utf-8")
        fresh.chmod(0o600)
        os.link(fresh, file)  # fails if another process was first: its keys are then everybody's
    except OSError:
        pass
    finally:
        fresh.unlink(missing_ok=True)
