"""Configuration of the panel: settings, URLs, Celery, WSGI."""

from panel.celery import app as celery_app

__all__ = ["celery_app"]
