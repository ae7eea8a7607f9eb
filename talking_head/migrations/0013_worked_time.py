"""A job's time limit counts the seconds worked on it. Jobs that run already start with their whole time.

``deadline_at`` and the database's own default let the release before run with the migrated database.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("talking_head", "0012_withdrawals_and_removals")]
    operations = [
        migrations.AddField(
            model_name="job", name="worked_seconds", field=models.FloatField(db_default=0.0, default=0.0)
        ),
        migrations.AddField(model_name="job", name="worked_until", field=models.DateTimeField(blank=True, null=True)),
        migrations.AlterField(
            model_name="job",
            name="deadline_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
    ]
