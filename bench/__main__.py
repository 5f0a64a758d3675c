"""`python -m bench`, which is what `make bench` runs: see README.md."""

import argparse
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from bench import machine
from bench.parts import PARTS
from bench.report import in_markdown
from bench.sizes import SIZES


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench")
    names = ", ".join(PARTS)
    parser.add_argument("--parts", default=os.environ.get("BENCH") or ",".join(PARTS), help=f"of {names}")
    parser.add_argument("--size", default=os.environ.get("BENCH_SIZE") or "full", choices=SIZES)
    parser.add_argument("--rounds", type=int, default=int(os.environ.get("BENCH_ROUNDS") or 3))
    parser.add_argument("--json", type=Path, default=Path(os.environ.get("BENCH_JSON") or "bench-results.json"))
    arguments = parser.parse_args()
    wanted = [name.strip() for name in arguments.parts.split(",") if name.strip()]
    if unknown := set(wanted) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {names}")
    if len(os.sched_getaffinity(0)) < 2:
        sys.stderr.write("With one core, the panel shares it with everything else: only compare within one table.\n")
    began, tables = datetime.now(UTC), []
    others = machine.Others()
    for name in wanted:
        sys.stderr.write(f"{datetime.now(UTC):%H:%M:%S} {name}\n")
        made = PARTS[name](SIZES[arguments.size], arguments.rounds)
        tables += made
        for table in made:
            sys.stdout.write(in_markdown(table) + "\n")
            sys.stdout.flush()
    results = {
        "began": began.isoformat(timespec="seconds"),
        "ended": datetime.now(UTC).isoformat(timespec="seconds"),
        "size": arguments.size,
        "rounds": arguments.rounds,
        "machine": machine.description() | {"cores_used_by_others": round(others.cores(), 2)},
        "tables": [table.as_json() for table in tables],
    }
    arguments.json.write_text(json.dumps(results, indent=1, default=str) + "\n")
    sys.stderr.write(f"{arguments.json} holds every round.\n")


if __name__ == "__main__":
    main()
