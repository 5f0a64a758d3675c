"""`python -m panel.demo`, which is `make demo`. With --reset it forgets the demo's data instead."""

import os
import sys
from pathlib import Path

from embedded import EmbeddedError
from embedded.errors import is_no_room, no_room

from .data import DataDirectory, default_directory
from .errors import DemoError
from .output import complain, hold_standard_descriptors, say
from .supervisor import Supervisor


def main() -> int:
    hold_standard_descriptors()
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]  # a developer's psql settings are about another server
    data = DataDirectory(Path(os.environ.get("DEMO_DIR") or default_directory()))
    try:
        if "--reset" in sys.argv[1:]:
            data.forget()
            say("The demo's data is forgotten.")
            return 0
        data.open()
        try:
            Supervisor(data, os.environ).run()
        finally:
            data.close()
    except (DemoError, EmbeddedError) as error:
        complain(str(error))
        return 1
    except OSError as error:
        if not is_no_room(error):
            raise
        complain(str(no_room(data.path)))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
