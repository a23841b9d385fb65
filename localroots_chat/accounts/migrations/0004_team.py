from typing import Any

from django.db import migrations


def make_team(apps: Any, schema_editor: Any) -> None:
    """So that nobody comes with this id before it is needed (team.py)."""
    of_this_service = {"name": "LocalRoots team", "role": "ADMIN", "is_active": False, "is_staff": True}
    apps.get_model("accounts", "User").objects.update_or_create(public_id="localroots:team", defaults=of_this_service)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_presence")]

    operations = [migrations.RunPython(make_team, migrations.RunPython.noop)]
