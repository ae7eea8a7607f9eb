"""A role for users who look after all courses: an administrator may change it, and this never runs again."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

COURSE_ADMINISTRATORS = "Course administrators"
CODENAMES = (
    "view_course", "change_course", "delete_course",
    "view_lesson", "add_lesson", "change_lesson", "delete_lesson", "publish_lesson",
    "view_enrolment", "add_enrolment", "change_enrolment", "delete_enrolment",
    "view_progress",
)


def make_group(apps, schema_editor):
    config = apps.get_app_config("lessons")
    config.models_module = True  # permissions are made after all migrations, and are needed here: Django asks for this
    create_permissions(config, apps=apps, verbosity=0)
    config.models_module = None
    Group = apps.get_model("auth", "Group")
    Permission = apps.get_model("auth", "Permission")
    group, is_new = Group.objects.get_or_create(name=COURSE_ADMINISTRATORS)
    if is_new:
        group.permissions.set(Permission.objects.filter(content_type__app_label="lessons", codename__in=CODENAMES))


class Migration(migrations.Migration):

    dependencies = [
        ("lessons", "0005_watched_ranges"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="lesson",
            options={
                "ordering": ["course", "position", "id"],
                "permissions": [("publish_lesson", "Can show lessons to students and hide them")],
            },
        ),
        migrations.RunPython(make_group, migrations.RunPython.noop),
    ]
