from django.db import migrations


class Migration(migrations.Migration):
    """Numbers for orders that are made, never given twice, whatever worlds come and go."""

    dependencies = [("sandbox", "0001_initial")]

    operations = [
        migrations.RunSQL("CREATE SEQUENCE sandbox_number", "DROP SEQUENCE sandbox_number"),
    ]
