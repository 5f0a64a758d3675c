"""The WSGI application: `granian --interface wsgi panel.wsgi:application`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "panel.settings")
application = get_wsgi_application()

from django.conf import settings  # noqa: E402 - settings are ready only now

from panel.redis_policy import refuse_eviction  # noqa: E402

refuse_eviction(settings.REDIS_URL)
