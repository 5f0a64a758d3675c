"""The panel's settings with bench.floor's page in place of its own."""

from panel.settings import *  # noqa: F403

ROOT_URLCONF = "bench.floor"
