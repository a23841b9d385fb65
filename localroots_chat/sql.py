"""How the two databases spell what constant statements (database.py) need. Knows no table.

Lists go in as one parameter, so that the text is the same for one row and for a hundred; placeholders by the hundred
cost more in the driver than the statements cost in the database. JSON carries rows on both databases; ids are UUIDs on
PostgreSQL and 32 hexadecimal digits on SQLite, as Django stores them.
"""

import json
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from django.conf import settings

from localroots_chat.database import DatabaseNow

AMONG: Final = "= ANY(%s)" if settings.POSTGRESQL else "IN (SELECT value FROM json_each(%s))"
NOW: Final = "now()" if settings.POSTGRESQL else DatabaseNow.SQLITE

TRIGRAM: Final = 3  # characters: an index of trigrams knows nothing of shorter words
_LITERAL: Final = str.maketrans({sign: f"\\{sign}" for sign in "\\%_"})


def anywhere(text: str) -> str:
    """The pattern for LIKE that finds `text` anywhere; on SQLite with ESCAPE."""
    return f"%{text.translate(_LITERAL)}%"


def wanted(**types: str) -> str:
    """The rows of one JSON parameter, as a table `w`: `n="bigint"` is its column n. Ids are `uuid`."""
    if settings.POSTGRESQL:
        return f"json_to_recordset(%s) AS w({', '.join(f'{name} {type_}' for name, type_ in types.items())})"
    columns = ", ".join(f"value ->> '{name}' AS {name}" for name in types)
    return f"(SELECT {columns} FROM json_each(%s)) AS w"


def few(number: str) -> str:
    """A condition that is always true, about a column of `wanted` that holds no negative numbers.

    PostgreSQL takes a JSON list for a hundred rows, and for a hundred it reads the whole of a table that is not yet
    big. This it thinks rare, so it takes the list for one row and goes by the index.
    """
    return f"{number} BETWEEN 0 AND 9223372036854775807"


def id_text(column: str) -> str:
    """An id as the wire writes it."""
    if settings.POSTGRESQL:
        return f"{column}::text"
    parts = (f"substr({column}, {first}, {size})" for first, size in ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12)))
    return " || '-' || ".join(parts)


def time_text(column: str) -> str:
    """A time as the wire writes it: UTC with milliseconds; NULL stays."""
    if settings.POSTGRESQL:
        return f"to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"
    return f"replace(substr({column} || '.000', 1, 23), ' ', 'T') || 'Z'"


def id_in(value: uuid.UUID) -> str:
    """A key inside a JSON parameter."""
    return str(value) if settings.POSTGRESQL else value.hex


def id_out(value: uuid.UUID | str) -> uuid.UUID:
    """A key from a row."""
    return value if isinstance(value, uuid.UUID) else uuid.UUID(value)


def ids(values: Sequence[uuid.UUID]) -> Any:
    """A list of keys as one parameter."""
    return list(values) if settings.POSTGRESQL else json.dumps([value.hex for value in values])


def keys(values: Sequence[int | str]) -> Any:
    """A list of numbers, or of texts, as one parameter."""
    return list(values) if settings.POSTGRESQL else json.dumps(values)


def moment_in(moment: datetime) -> Any:
    """A time as a parameter, to be compared with a column."""
    return moment if settings.POSTGRESQL else str(moment.astimezone(UTC).replace(tzinfo=None))


def moment_out(value: datetime | str) -> datetime:
    """A time from a row. SQLite's have no zone, and are no datetimes where they were computed."""
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def time_in(moment: datetime) -> str:
    """A time inside a JSON parameter."""
    return moment.isoformat() if settings.POSTGRESQL else moment.strftime("%Y-%m-%d %H:%M:%S.%f")


def time_out(value: datetime | str) -> datetime:
    """A time from a row, in whole milliseconds, as the wire shows it."""
    moment = moment_out(value)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
