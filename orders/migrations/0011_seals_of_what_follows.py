from django.db import migrations, models

# As before, with what hangs on a declaration. Names are looked up as they were when this was migrated.
LOCK = """
CREATE OR REPLACE FUNCTION lock_to_seal(name text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path FROM CURRENT AS $$
BEGIN
    IF name NOT IN ({tables}) THEN
        RAISE EXCEPTION '% is not sealed', name;
    END IF;
    EXECUTE format('LOCK TABLE %I IN SHARE MODE', name);
END $$;
"""
BEFORE = "'accounts_auditevent', 'orders_retraction'"
FOLLOWING = "'orders_matching', 'orders_receiptdocument', 'orders_refundseen', 'orders_refundnote'"


class Migration(migrations.Migration):
    dependencies = [("orders", "0010_a_mark_can_be_taken_back"), ("accounts", "0006_seals")]

    operations = [
        migrations.RunSQL(LOCK.format(tables=f"{BEFORE}, {FOLLOWING}"), LOCK.format(tables=BEFORE)),
        migrations.AddField(
            model_name="matching",
            name="turn",
            field=models.PositiveSmallIntegerField(
                default=0, help_text="How often a match of this declaration was called wrong before."
            ),
        ),
        migrations.RemoveConstraint(model_name="matching", name="retraction_is_matched_once"),
        migrations.AddConstraint(
            model_name="matching",
            constraint=models.UniqueConstraint(
                condition=models.Q(("order__isnull", False)),
                fields=("retraction", "turn"),
                name="retraction_is_matched_once_a_turn",
            ),
        ),
        migrations.AlterField(
            model_name="receipt",
            name="kind",
            field=models.CharField(
                choices=[
                    ("receipt", "receipt"),
                    ("notice", "notice to the account"),
                    ("amends", "notice of a wrong match"),
                ],
                default="receipt",
                max_length=10,
            ),
        ),
    ]
