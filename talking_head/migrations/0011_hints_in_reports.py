"""Stored reports call what to do about a problem ``hint``, as every error does. ``advice`` stays for older clients."""

from django.db import migrations


def add_hints(apps, schema_editor):
    narrations = apps.get_model("talking_head", "Narration").objects.using(schema_editor.connection.alias)
    for row in narrations.only("pk", "report").iterator():
        problems = [problem for problem in row.report.get("problems", ()) if "hint" not in problem]
        for problem in problems:
            problem["hint"] = problem.get("advice", "")
        if problems:
            row.save(update_fields=["report"])


class Migration(migrations.Migration):
    dependencies = [("talking_head", "0010_words_of_the_field")]
    operations = [migrations.RunPython(add_hints, migrations.RunPython.noop, elidable=True)]
