import django.db.models.deletion
from django.db import migrations, models
from django.db.models import OuterRef, Subquery

# A process of the version before this one goes on while it is being replaced, and a withdrawal declared there counts.
FILL = """
CREATE FUNCTION fill_intent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.nichandle_id IS NULL THEN
        SELECT nichandle_id INTO NEW.nichandle_id FROM orders_order WHERE id = NEW.order_id;
    END IF;
    NEW.arguments := COALESCE(NEW.arguments, '{}');
    RETURN NEW;
END $$;
CREATE TRIGGER intent_is_filled BEFORE INSERT ON orders_intent FOR EACH ROW EXECUTE FUNCTION fill_intent();
"""
LEAVE = "DROP TRIGGER intent_is_filled ON orders_intent; DROP FUNCTION fill_intent();"

STATES = [
    ("waiting", "waiting to be sent"),
    ("sending", "being sent"),
    ("doubtful", "answer lost"),
    ("held", "held for a person"),
    ("accepted", "accepted by OVHcloud"),
    ("refused", "refused by OVHcloud"),
    ("dead", "given up to a person"),
    ("closed", "closed by staff"),
    ("needless", "not sent: no longer needed"),
]
EVENTS = [
    ("found", "found at OVHcloud"),
    ("status", "status changed"),
    ("retractionDate", "withdrawal date changed"),
    ("expired", "expired"),
    ("notExpired", "not expired after all"),
    ("gone", "no longer listed"),
    ("back", "listed again"),
    ("declared", "withdrawal declared"),
    ("sent", "sent to OVHcloud"),
    ("accepted", "accepted by OVHcloud"),
    ("refused", "refused by OVHcloud"),
    ("doubtful", "answer lost"),
    ("held", "held for a person"),
    ("refund", "refund seen"),
    ("givenUp", "given up to a person"),
    ("rung", "rung again by staff"),
    ("closed", "closed by staff"),
    ("needless", "not sent: no longer needed"),
]


def fill_nichandle(apps, schema_editor):
    intents, orders = apps.get_model("orders", "Intent"), apps.get_model("orders", "Order")
    whose = orders.objects.filter(pk=OuterRef("order")).values("nichandle")
    intents.objects.update(nichandle=Subquery(whose))


class Migration(migrations.Migration):
    dependencies = [("orders", "0011_seals_of_what_follows"), ("accounts", "0008_operator")]

    operations = [
        migrations.RemoveConstraint(model_name="intent", name="intent_is_one_per_order_and_kind"),
        migrations.AddField(model_name="intent", name="arguments", field=models.JSONField(default=dict)),
        migrations.AddField(
            model_name="intent",
            name="nichandle",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="intents",
                to="accounts.nichandle",
            ),
        ),
        migrations.RunPython(fill_nichandle, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="intent",
            name="nichandle",
            field=models.ForeignKey(
                help_text="Whose key is used.",
                on_delete=django.db.models.deletion.PROTECT,
                related_name="intents",
                to="accounts.nichandle",
            ),
        ),
        migrations.AlterField(
            model_name="intent",
            name="kind",
            field=models.CharField(
                choices=[("retraction", "withdrawal"), ("payment", "payment"), ("checkout", "order")], max_length=20
            ),
        ),
        migrations.AlterField(
            model_name="intent",
            name="order",
            field=models.ForeignKey(
                help_text="Null: a checkout that is not done yet.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="intents",
                to="orders.order",
            ),
        ),
        migrations.AlterField(
            model_name="intent",
            name="state",
            field=models.CharField(choices=STATES, default="waiting", max_length=10),
        ),
        migrations.AlterField(
            model_name="intent",
            name="why",
            field=models.CharField(
                blank=True,
                help_text=(
                    "Held: late, no-right, key. Given up: unclear, not-found, too-long, stumbled. Needless: its kind's."
                ),
                max_length=40,
            ),
        ),
        migrations.AlterField(
            model_name="orderevent", name="kind", field=models.CharField(choices=EVENTS, max_length=20)
        ),
        migrations.AddConstraint(
            model_name="intent",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["refused", "closed", "needless"]), _negated=True),
                fields=("order", "kind"),
                name="intent_is_one_per_order_and_kind",
            ),
        ),
        migrations.RunSQL(FILL, LEAVE),
    ]
