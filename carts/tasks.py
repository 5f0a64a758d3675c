"""Celery's entrances. A task carries no facts: workers claim rows."""
