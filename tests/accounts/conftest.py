"""Accounts with a password on the two servers, and quick passwords where no server is needed."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import psycopg
import pytest
from django.contrib.auth.hashers import make_password
from pytest_django import Settings

from localroots_chat.accounts.models import User
from tests.accounts.doors import PASSWORD, Account, Tab
from tests.support.servers import ChatServer

_ACCOUNTS = 24
_STAFF: dict[str, dict[str, bool]] = {"clerk": {"is_staff": True}, "chief": {"is_superuser": True}}


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(scope="session")
def _accounts(server_pair: tuple[ChatServer, ChatServer]) -> tuple[list[Account], dict[str, str]]:
    """Written straight into the servers' database: a command takes seconds, and one password hash does for all."""
    run, password = uuid.uuid4().hex[:8], make_password(PASSWORD, hasher="pbkdf2_sha256")
    accounts = [Account(name, name) for name in (f"grower{number}-{run}" for number in range(_ACCOUNTS))]
    staff = {name: f"{name}-{run}" for name in _STAFF}
    users = [User(username=one.username, public_id=one.id, name=one.username, password=password) for one in accounts]
    users += [User(public_id=staff[name], name=name, **rights) for name, rights in _STAFF.items()]
    fields = [field for field in User._meta.concrete_fields if not (field.primary_key or field.has_db_default())]
    columns = ", ".join(str(field.column) for field in fields)
    insert = f"INSERT INTO {User._meta.db_table} ({columns}) VALUES ({', '.join(['%s'] * len(fields))})"
    with psycopg.connect(server_pair[0].database_url or "") as connection, connection.cursor() as cursor:
        rows = [[getattr(user, field.attname) for field in fields] for user in users]
        cursor.executemany(insert.encode(), rows)
    return accounts, staff


@pytest.fixture
def new_account(_accounts: tuple[list[Account], dict[str, str]]) -> Callable[[], Account]:
    """Somebody with a user name and a password: `grower = new_account()`."""

    def make() -> Account:
        accounts, _ = _accounts
        assert accounts, f"more than {_ACCOUNTS} accounts are needed"
        return accounts.pop()

    return make


@pytest.fixture
def staff_ids(_accounts: tuple[list[Account], dict[str, str]]) -> dict[str, str]:
    """Ids of accounts that have rights of staff and no password: clerk (is_staff) and chief (is_superuser)."""
    return _accounts[1]


@pytest.fixture
def new_tab() -> Iterator[Callable[[ChatServer], Tab]]:
    """A web browser at a server: `tab = new_tab(server).signs_in(account)`."""
    with ExitStack() as stack:

        def make(server: ChatServer) -> Tab:
            tab = Tab(server)
            stack.callback(tab.close)
            return tab

        yield make
