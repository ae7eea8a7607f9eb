"""Store what a key was sent with and who may go ahead of others: all who could before (teachers, and programs with the right
to add jobs) keep it. On a new site there are none yet."""

from django.contrib.auth.management import create_permissions
from django.db import migrations, models

TEACHERS = "Teachers"


def keep_vip(apps, schema_editor):
    config = apps.get_app_config("talking_head")
    config.models_module = True  # permissions are made after all migrations, and are needed here: Django asks for this
    create_permissions(config, apps=apps, verbosity=0)
    config.models_module = None
    Permission = apps.get_model("auth", "Permission")
    of_jobs = Permission.objects.filter(content_type__app_label="talking_head")
    add_job, use_vip = of_jobs.get(codename="add_job"), of_jobs.get(codename="use_vip")
    for user in add_job.user_set.all():
        user.user_permissions.add(use_vip)
    Group = apps.get_model("auth", "Group")
    for group in {*add_job.group_set.all(), *Group.objects.filter(name=TEACHERS)}:
        group.permissions.add(use_vip)


class Migration(migrations.Migration):

    dependencies = [
        ("talking_head", "0016_words_of_labels"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        migrations.AddField(
            model_name="job",
            name="request_digest",
            field=models.CharField(blank=True, db_default="", default="", max_length=64),
        ),
        migrations.AlterModelOptions(
            name="job",
            options={
                "ordering": ["-created_at"],
                "permissions": [
                    ("retry_job", "Can try a video again"),
                    ("retry_job_faster", "Can try a video again with a faster profile"),
                    ("cancel_job", "Can cancel a video"),
                    ("review_job", "Can mark a failure as reviewed and take it back"),
                    ("use_vip", "Can have videos made before those of others"),
                ],
            },
        ),
        migrations.RunPython(keep_vip, migrations.RunPython.noop),
    ]
