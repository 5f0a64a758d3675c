"""
The leash: a small process that ends what a killed supervisor leaves behind.

A supervisor's own children die with it (PR_SET_PDEATHSIG), but not the workers that granian and Celery start: those
lose their parent and go on. The supervisor tells the leash of each process group over a pipe; the pipe closes when
the supervisor ends, however it ends, and the groups still known are killed.

Run as a file and without site-packages: it imports little, and costs some 8 MB and 10 ms.
"""

import contextlib
import os
import signal
import sys


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        sign, group = line[0], int(line[1:])
        if sign == "+":
            groups.add(group)
        else:
            groups.discard(group)
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main()
