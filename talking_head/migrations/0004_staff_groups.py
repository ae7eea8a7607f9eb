"""Two groups to start from: an administrator may change them or make others, and this never runs again."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

SUPPORT = ("view_job", "view_jobaction", "retry_job", "retry_job_faster", "review_job")
OPERATORS = (*SUPPORT, "cancel_job", "view_quota", "add_quota", "change_quota", "delete_quota")
GROUPS = {"Support": SUPPORT, "Operators": OPERATORS}


def make_groups(apps, schema_editor):
    config = apps.get_app_config("talking_head")
    config.models_module = True  # permissions are made after all migrations, and are needed here: Django asks for this
    create_permissions(config, apps=apps, verbosity=0)
    config.models_module = None
    Group = apps.get_model("auth", "Group")
    Permission = apps.get_model("auth", "Permission")
    for name, codenames in GROUPS.items():
        group, is_new = Group.objects.get_or_create(name=name)
        if is_new:
            permissions = Permission.objects.filter(content_type__app_label="talking_head", codename__in=codenames)
            group.permissions.set(permissions)


class Migration(migrations.Migration):

    dependencies = [
        ("talking_head", "0003_reviews"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(make_groups, migrations.RunPython.noop)]
