from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('carts', '0003_where_an_order_is_looked_for'),
    ]

    operations = [
        migrations.AddField(
            model_name='checkout',
            name='candidates',
            field=models.JSONField(
                default=list,
                help_text='Numbers of orders that it may have made, where a look could not tell which.',
            ),
        ),
    ]
