from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("sandbox", "0003_carts")]

    operations = [
        migrations.AddField(
            model_name="world",
            name="first_number",
            field=models.BigIntegerField(default=0, help_text="of those given out in this world"),
        ),
    ]
