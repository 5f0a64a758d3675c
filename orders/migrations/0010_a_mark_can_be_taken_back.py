from django.db import migrations, models

# As before, but that OVHcloud's clock may be behind ours: an order lapses when its date is over by both.
KEEP_DUE = """
CREATE OR REPLACE FUNCTION keep_due() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    lapses_at timestamptz := {lapses_at};
    its_kind smallint := CASE
        WHEN NEW.status = 'notPaid' AND NOT NEW.was_paid AND NEW.expired_at IS NULL AND NEW.gone_at IS NULL
            AND lapses_at <= NEW.status_checked_at THEN 3
        WHEN NEW.watched_until > now() OR NEW.check_asked_at > coalesce(NEW.status_checked_at, '-infinity') THEN 0
        WHEN NEW.status IN ('cancelling', 'delivering') OR (NEW.status = 'notPaid' AND lapses_at
            BETWEEN NEW.next_poll_at - interval '10 minutes' AND NEW.next_poll_at + interval '10 minutes') THEN 1
        ELSE 2
    END;
BEGIN
    IF NEW.next_poll_at IS NULL THEN
        DELETE FROM orders_due WHERE order_id = NEW.id;
    ELSIF TG_OP = 'UPDATE' AND NEW.next_poll_at IS NOT DISTINCT FROM OLD.next_poll_at THEN
        -- Somebody has begun to wait: a check that is under way, or waits for the budget, comes soon.
        UPDATE orders_due SET kind = its_kind, at = least(at, now() + interval '2 seconds') WHERE order_id = NEW.id;
    ELSE
        INSERT INTO orders_due (order_id, nichandle_id, kind, at)
        VALUES (NEW.id, NEW.nichandle_id, its_kind, NEW.next_poll_at)
        ON CONFLICT (order_id) DO UPDATE SET kind = excluded.kind, at = excluded.at;
    END IF;
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0009_exports"),
    ]

    operations = [
        migrations.AddField(
            model_name="order",
            name="behind_s",
            field=models.PositiveIntegerField(
                db_default=0,
                default=0,
                help_text="Seconds that OVHcloud's clock was behind ours when it last answered for it.",
            ),
        ),
        migrations.RunSQL(
            KEEP_DUE.format(lapses_at="NEW.expiration_date + make_interval(secs => NEW.behind_s)"),
            KEEP_DUE.format(lapses_at="NEW.expiration_date"),
        ),
        migrations.AlterField(
            model_name="orderevent",
            name="kind",
            field=models.CharField(
                choices=[
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
                ],
                max_length=20,
            ),
        ),
    ]
