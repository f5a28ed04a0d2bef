"""What every row of a file of results has beside its figures, as `ocelli results` writes and checks it."""

import csv
import datetime
import os
import pathlib
import shlex
import subprocess
import sys


def circumstances(seed, command=None):
    """The columns date, machine, command, commit and seed; the environment's MACHINE goes before /proc/cpuinfo."""
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": os.environ.get("MACHINE") or f"{processor()}, {os.cpu_count()} cores",
        "command": command or shlex.join(["python", *sys.argv]),
        "commit": commit(),
        "seed": seed,
    }


def write(rows):
    """Prints rows with the same keys as CSV."""
    table = csv.DictWriter(sys.stdout, rows[0], lineterminator="\n")
    table.writeheader()
    table.writerows(rows)


def processor():
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf8").splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "unknown processor"


def commit():
    """The commit of this checkout, with -dirty after it where files differ from it."""
    describe = ["git", "describe", "--always", "--abbrev=10", "--dirty"]
    try:
        here = pathlib.Path(__file__).parent
        return subprocess.run(describe, cwd=here, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
