"""The WSGI application: `granian --interface wsgi panel.wsgi:application`."""

import os
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "panel.settings")
_django = get_wsgi_application()

from django.conf import settings  # noqa: E402 - settings are ready only now

from panel.redis_policy import refuse_eviction  # noqa: E402

refuse_eviction(settings.REDIS_URL)


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """
    Django, told only what kind of body comes.

    A charset may name any codec of Python's, and with some of them Django fails before it has a request to answer.
    Our forms are UTF-8 and never multipart, whose parts may name codecs, too: without a boundary they are a plain 400.
    """
    environ["CONTENT_TYPE"] = environ.get("CONTENT_TYPE", "").partition(";")[0]
    return _django(environ, start_response)
