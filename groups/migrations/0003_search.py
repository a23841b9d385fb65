from django.db import migrations

from localroots_chat.postgresql.operations import Trigrams


class Migration(migrations.Migration):
    """What groups/discovery.py finds similar names with (on PostgreSQL)."""

    dependencies = [("groups", "0002_sanctions_and_invitations")]

    operations = [Trigrams()]
