from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("conversations", "0008_reports")]

    operations = [
        migrations.AlterField(
            model_name="case",
            name="outcome",
            field=models.CharField(
                blank=True,
                choices=[
                    ("DISMISSED", "Dismissed"),
                    ("REMOVED", "Message removed"),
                    ("WARNED", "Person warned"),
                    ("SILENCED", "Person silenced"),
                    ("SUSPENDED", "Person suspended"),
                    ("CLOSED", "Group closed"),
                ],
                max_length=9,
            ),
        ),
    ]
