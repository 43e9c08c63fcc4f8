"""What the checks of this folder share: they count, print a line each, and end with 'N passed, N failed, N skipped'."""
import subprocess
import sys

counts = {"passed": 0, "failed": 0, "skipped": 0}


def check(name, ok, detail=""):
    counts["passed" if ok else "failed"] += 1
    print(f"{'ok' if ok else 'FAILED'}: {name} {detail}", flush=True)


def skip(name, why):
    counts["skipped"] += 1
    print(f"skipped: {name}: {why}", flush=True)


def bitline(*arguments):
    """Runs the program under test, the script's first argument; returns what it prints."""
    command = [sys.argv[1], *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def finish():
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    sys.exit(1 if counts["failed"] else 0)
