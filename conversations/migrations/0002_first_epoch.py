import uuid

from django.db import migrations


def begin(apps, schema_editor):
    apps.get_model("conversations", "Epoch").objects.create(pk=1, value=str(uuid.uuid4()))


def end(apps, schema_editor):
    apps.get_model("conversations", "Epoch").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("conversations", "0001_initial")]
    operations = [migrations.RunPython(begin, end)]
