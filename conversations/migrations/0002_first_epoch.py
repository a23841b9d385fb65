import uuid

from django.apps.registry import Apps as StateApps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def begin(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    apps.get_model("conversations", "Epoch").objects.create(pk=1, value=str(uuid.uuid4()))


def end(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    apps.get_model("conversations", "Epoch").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("conversations", "0001_initial")]
    operations = [migrations.RunPython(begin, end)]
