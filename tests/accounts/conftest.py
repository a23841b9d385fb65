"""Accounts with a password on the two servers, and quick passwords where no server is needed."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from pytest_django import Settings

from tests.accounts.doors import PASSWORD, Account, Tab
from tests.support.servers import ChatServer

_ACCOUNTS = 24
_STAFF = {"clerk": {"is_staff": True}, "chief": {"is_superuser": True}}

_CREATE = """
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
users, password = get_user_model().objects, make_password({password!r})
for name in {names!r}:
    users.create(username=name, public_id=name, name=name, password=password)
for name, rights in {staff!r}.items():
    users.create(public_id=name, name=name, **rights)
"""


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(scope="session")
def _accounts(server_pair: tuple[ChatServer, ChatServer]) -> tuple[list[Account], dict[str, str]]:
    """All in one go: a command takes a second."""
    run = uuid.uuid4().hex[:8]
    names = [f"grower{number}-{run}" for number in range(_ACCOUNTS)]
    staff = {f"{name}-{run}": rights for name, rights in _STAFF.items()}
    server_pair[0].manage("shell", "-v0", "-c", _CREATE.format(password=PASSWORD, names=names, staff=staff))
    return [Account(name, name) for name in names], {name: f"{name}-{run}" for name in _STAFF}


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
