"""Attributes get the field's words; the columns keep their names, so nothing in the database changes."""

from django.db import migrations, models


def renamed(model, old, new, field):
    """First the column is pinned, then the attribute is renamed: neither needs SQL."""
    return [
        migrations.AlterField(model, old, field(db_column=old)),
        migrations.RenameField(model, old, new),
    ]


class Migration(migrations.Migration):
    dependencies = [("talking_head", "0009_unused_narrations")]

    operations = [
        *renamed("job", "suggestion", "error_hint", lambda **more: models.TextField(blank=True, **more)),
        *renamed("job", "reckoned_seconds", "estimated_seconds", lambda **more: models.FloatField(default=0.0, **more)),
        *renamed("clip", "is_smaller", "is_half_resolution", lambda **more: models.BooleanField(default=False, **more)),
        *renamed("narration", "heard_seconds", "transcribed_seconds", lambda **more: models.FloatField(default=0.0, **more)),
        # The index names the same column as before.
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveIndex("narration", "narration_claim_order"),
                migrations.AddIndex(
                    "narration",
                    models.Index(fields=["state", "transcribed_seconds"], name="narration_claim_order"),
                ),
            ]
        ),
    ]
