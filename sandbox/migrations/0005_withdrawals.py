from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("sandbox", "0004_first_number")]

    operations = [
        migrations.AlterField(
            model_name="bill",
            name="kind",
            field=models.TextField(choices=[("Bill", "Bill"), ("Refund", "Refund"), ("Withdrawal", "Withdrawal")]),
        ),
    ]
