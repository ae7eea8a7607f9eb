from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("talking_head", "0014_chunk_seconds")]
    operations = [
        migrations.AddField(
            model_name="clip", name="interruptions", field=models.PositiveIntegerField(db_default=0, default=0)
        ),
    ]
