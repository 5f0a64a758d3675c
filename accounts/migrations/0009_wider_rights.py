import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0008_operator")]

    operations = [
        migrations.AddField(
            model_name="signin",
            name="nichandle",
            field=models.ForeignKey(
                help_text="Who must come back, if not anybody.",
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                to="accounts.nichandle",
            ),
        ),
        migrations.AddField(
            model_name="signin",
            name="wider",
            field=models.BooleanField(
                db_default=False, default=False, help_text="Asks for what ordering and paying need."
            ),
        ),
        migrations.AlterField(
            model_name="signin",
            name="purpose",
            field=models.CharField(
                choices=[
                    ("sign_in", "Sign In"),
                    ("link", "Link"),
                    ("ordering", "Ordering"),
                    ("assurance", "Assurance"),
                ],
                default="sign_in",
                max_length=10,
            ),
        ),
    ]
