"""The Celery application: `celery -A panel.celery worker`, `celery -A panel.celery beat`."""

import os
import sys

from celery import Celery
from celery.signals import beat_init, worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "panel.settings")

app = Celery("panel")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
@beat_init.connect
def _refuse_eviction(**kwargs: object) -> None:
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured

    from panel.redis_policy import refuse_eviction

    try:
        refuse_eviction(settings.REDIS_URL)
    except ImproperlyConfigured as error:
        # Celery logs what a signal's receiver raises and goes on; it lets only an exit through.
        sys.exit(str(error))
