from django.db import migrations

SQL = """
CREATE TRIGGER retraction_is_immutable BEFORE UPDATE OR DELETE ON orders_retraction
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER event_is_append_only BEFORE UPDATE ON orders_orderevent
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""
REVERSE = """
DROP TRIGGER event_is_append_only ON orders_orderevent;
DROP TRIGGER retraction_is_immutable ON orders_retraction;
"""


class Migration(migrations.Migration):
    dependencies = [("orders", "0001_initial"), ("accounts", "0002_audit_is_append_only")]
    operations = [migrations.RunSQL(SQL, REVERSE)]
