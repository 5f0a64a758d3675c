import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orders", "0012_intents_of_every_kind")]

    operations = [
        migrations.CreateModel(
            name="PaymentChoices",
            fields=[
                (
                    "order",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="payment_choices",
                        serialize=False,
                        to="orders.order",
                    ),
                ),
                ("choices", models.JSONField(null=True)),
                ("asked_at", models.DateTimeField(null=True)),
                ("read_at", models.DateTimeField(null=True)),
                (
                    "failed_at",
                    models.DateTimeField(help_text="When reading them failed, if that came last.", null=True),
                ),
            ],
        ),
    ]
