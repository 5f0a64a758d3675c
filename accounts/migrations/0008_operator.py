"""A name that holds the links to accounts which the operator looks after."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0007_why_a_session_ended")]

    operations = [
        migrations.AlterField(
            model_name="user",
            name="role",
            field=models.CharField(
                blank=True,
                choices=[
                    ("", "customer"),
                    ("support", "support"),
                    ("supervisor", "supervisor"),
                    ("administrator", "administrator"),
                    ("operator", "operator"),
                ],
                default="",
                max_length=20,
            ),
        )
    ]
