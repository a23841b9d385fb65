from django.contrib.postgres.operations import TrigramExtension
from django.db import migrations


class Migration(migrations.Migration):
    """What groups/discovery.py finds similar names with (on PostgreSQL)."""

    dependencies = [("groups", "0002_sanctions_and_invitations")]

    operations = [TrigramExtension()]
