import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('carts', '0004_candidates_of_a_doubtful_checkout'),
    ]

    operations = [
        migrations.CreateModel(
            name='RegistryRule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('extension', models.CharField(help_text='fr, co.uk: of an ASCII name.', max_length=253)),
                ('action', models.CharField(help_text='create or transfer.', max_length=20)),
                ('tree', models.JSONField(help_text='As OVHcloud told it; null: it told nothing that is of use.', null=True)),
                ('read_at', models.DateTimeField(null=True)),
                ('next_read_at', models.DateTimeField(default=django.utils.timezone.now, null=True)),
                ('leased_until', models.DateTimeField(null=True)),
                ('failures', models.PositiveIntegerField(default=0)),
            ],
            options={
                'constraints': [
                    models.UniqueConstraint(
                        fields=('extension', 'action'), name='registry_rule_is_one_per_extension_and_action'
                    )
                ],
            },
        ),
    ]
