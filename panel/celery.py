"""The Celery application: `celery -A panel.celery worker`, `celery -A panel.celery beat`."""

import os
import sys
from typing import Any

from celery import Celery
from celery.signals import beat_init, worker_init
from kombu.transport import redis as broker
from redis.exceptions import ConnectionError as BrokerLost

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "panel.settings")


class _Channel(broker.Channel):
    """
    A channel that a lost connection left behind says so. As kombu has it, it fails with an AttributeError, which the
    worker takes for unrecoverable: it ends, though Valkey may be back within the second.
    """

    def _connparams(self, asynchronous: bool = False) -> Any:
        if self.connection.client is None:
            raise BrokerLost("this channel's connection was given up")
        return super()._connparams(asynchronous)


broker.Transport.Channel = _Channel
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
