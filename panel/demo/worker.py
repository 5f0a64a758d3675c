"""The demo's Celery workers: `python -m panel.demo.worker people` or `clock`, by the queues of the settings."""

import sys

from django.conf import settings

from panel.celery import app


def main(kind: str) -> None:
    queues = settings.QUEUES_FOR_PEOPLE if kind == "people" else settings.QUEUES_OF_THE_CLOCK
    # Processes, not threads: only they honour the time limits of tasks.
    app.worker_main(
        [
            *("worker", "--pool", "prefork", "--concurrency", "2", "--loglevel", "warning"),
            *("--queues", ",".join(queues), "--hostname", f"{kind}@%h"),
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        ]
    )


if __name__ == "__main__":
    main(sys.argv[1])
