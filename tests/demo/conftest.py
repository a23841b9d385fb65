"""The demo's marketplace in the test's database."""

from io import StringIO

import pytest
from django.core.management import call_command
from pytest_django import Settings


class Told:
    """What one run of the command said: the answer, and what was done."""

    def __init__(self, *arguments: str) -> None:
        answer, done = StringIO(), StringIO()
        call_command("demo", *arguments, stdout=answer, stderr=done)
        self.answer, self.done = answer.getvalue(), done.getvalue().strip()


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def marketplace(db: None) -> Told:
    """The demo was made."""
    return Told()
