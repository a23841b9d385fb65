"""What migrations make on PostgreSQL alone, and leave out elsewhere."""

from functools import partial
from typing import Any

from django.contrib.postgres.operations import TrigramExtension
from django.db import migrations


class Trigrams(TrigramExtension):
    """The extension that indexes of trigrams want. It stays when a migration is taken back: others may use it."""

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Nothing."""


def index(name: str, definition: str) -> migrations.RunPython:
    """An index that Django has no words for, made while people go on writing. The migration must not be `atomic`.

    `definition` is what follows CREATE INDEX name.
    """
    make = partial(_execute, f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} {definition}")
    drop = partial(_execute, f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
    return migrations.RunPython(make, drop)


def _execute(statement: str, apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(statement)
