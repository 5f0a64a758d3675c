"""The demo's Celery worker: one for every queue that the settings name."""

from django.conf import settings

from panel.celery import app


def main() -> None:
    # Processes, not threads: only they honour the time limits of tasks. Three, so that an import that fills
    # one and a poll that fills another leave one for whoever waits at a page.
    app.worker_main(
        [
            *("worker", "--pool", "prefork", "--concurrency", "3", "--loglevel", "warning"),
            *("--queues", ",".join(settings.CELERY_QUEUES_IN_USE)),
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        ]
    )


if __name__ == "__main__":
    main()
