"""What the gateway's tests share."""

import uuid
from collections.abc import Callable

import pytest


@pytest.fixture
def unique() -> Callable[[], str]:
    """Keys that no other test has used."""
    return lambda: uuid.uuid4().hex
