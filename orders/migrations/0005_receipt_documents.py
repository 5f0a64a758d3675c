import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

SQL = """
CREATE TRIGGER document_is_immutable BEFORE UPDATE OR DELETE ON orders_receiptdocument
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""
REVERSE = "DROP TRIGGER document_is_immutable ON orders_receiptdocument;"


class Migration(migrations.Migration):
    dependencies = [("orders", "0004_intents_and_evidence"), ("accounts", "0002_audit_is_append_only")]

    operations = [
        migrations.CreateModel(
            name="ReceiptDocument",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("pdf", models.BinaryField()),
                ("digest", models.CharField(help_text="SHA-256 of the PDF, in hex.", max_length=64)),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "retraction",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="document", to="orders.retraction"
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="receipt",
            name="has_document",
            field=models.BooleanField(default=False, help_text="A mail server took the PDF, too."),
        ),
        migrations.AlterField(
            model_name="receipt",
            name="next_attempt_at",
            field=models.DateTimeField(
                default=django.utils.timezone.now, help_text="Null: all of it was sent.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="receipt",
            name="sent_at",
            field=models.DateTimeField(
                help_text="When a mail server first took it, with or without its PDF.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="receipt",
            name="last_error",
            field=models.CharField(
                blank=True, help_text="The mail server's own words, or Typst's.", max_length=300
            ),
        ),
        migrations.RunSQL(SQL, REVERSE),
    ]
