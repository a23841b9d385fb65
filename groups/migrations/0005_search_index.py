from django.db import migrations

from localroots_chat.postgresql.operations import index

_DEFINITION = """
ON groups_group USING gin (lower(name) gin_trgm_ops, lower(description) gin_trgm_ops) WHERE closed_at IS NULL
"""


class Migration(migrations.Migration):
    """What groups/discovery.py looks words up in: with 100,000 groups a search took 250 to 700 ms without it."""

    atomic = False

    dependencies = [("groups", "0004_members_for_the_admin")]

    operations = [index("group_trigrams", _DEFINITION)]
