import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("sandbox", "0005_withdrawals")]

    operations = [
        migrations.AddField(
            model_name="application",
            name="owner",
            field=models.TextField(
                blank=True, default="", help_text="nichandle of who made it; empty: the sandbox's own"
            ),
        ),
        migrations.CreateModel(
            name="ServiceAccount",
            fields=[
                ("client_id", models.TextField(primary_key=True, serialize=False)),
                ("secret", models.TextField()),
                ("name", models.TextField()),
                ("description", models.TextField()),
                (
                    "actions",
                    models.JSONField(default=list, help_text="its policy: IAM actions it may take, with stars"),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, to="sandbox.customer"
                    ),
                ),
            ],
        ),
    ]
