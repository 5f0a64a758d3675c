"""The Celery application: `celery -A panel.celery worker`, `celery -A panel.celery beat`."""

import os

from celery import Celery
from celery.signals import worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "panel.settings")

app = Celery("panel")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
def _refuse_eviction(**kwargs: object) -> None:
    from django.conf import settings

    from panel.redis_policy import refuse_eviction

    refuse_eviction(settings.REDIS_URL)
