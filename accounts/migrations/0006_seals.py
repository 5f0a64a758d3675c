from django.db import migrations, models

# Whoever seals waits for those who write, with the owner's rights: the panel's own role may not lock a table that it
# can only append to. Names are looked up as they were when this was migrated.
SQL = """
CREATE TRIGGER seal_is_immutable BEFORE UPDATE OR DELETE ON accounts_seal
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE FUNCTION lock_to_seal(name text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    IF name NOT IN ('accounts_auditevent', 'orders_retraction') THEN
        RAISE EXCEPTION '% is not sealed', name;
    END IF;
    EXECUTE format('LOCK TABLE %I IN SHARE MODE', name);
END $$;
"""
REVERSE = """
DROP FUNCTION lock_to_seal(text);
DROP TRIGGER seal_is_immutable ON accounts_seal;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_sessions_links_notices")]

    operations = [
        migrations.CreateModel(
            name="Seal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("batch", "Batch"), ("purge", "Purge")], default="batch", max_length=10
                    ),
                ),
                ("table", models.CharField(max_length=63)),
                ("number", models.PositiveIntegerField(help_text="Counts from 1 in each table, without gaps.")),
                (
                    "last_pk",
                    models.BigIntegerField(
                        help_text="It speaks of the rows after the seal before it, up to this one."
                    ),
                ),
                ("count", models.PositiveIntegerField(help_text="Rows in the batch; of a purge: rows that went.")),
                (
                    "fields",
                    models.JSONField(
                        default=list, help_text="The columns that are sealed; later ones are not among them."
                    ),
                ),
                (
                    "digest",
                    models.CharField(
                        blank=True, help_text="SHA-256 over the rows; empty for a purge.", max_length=64
                    ),
                ),
                (
                    "previous",
                    models.CharField(
                        blank=True, help_text="The seal before it; empty for the first.", max_length=64
                    ),
                ),
                ("seal", models.CharField(help_text="SHA-256 over all the above.", max_length=64)),
                ("sealed_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=["table", "number"], name="seal_is_one_per_table_and_number")
                ],
            },
        ),
        migrations.RunSQL(SQL, REVERSE),
    ]
