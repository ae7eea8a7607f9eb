from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("talking_head", "0013_worked_time")]
    operations = [
        migrations.AddField(
            model_name="narration", name="chunk_seconds", field=models.FloatField(blank=True, null=True)
        ),
    ]
