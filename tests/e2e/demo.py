"""Runs the sample trade on two real hubs and holds every outcome against the oracle's.

    demo.py            one run, then a second one that must repeat nothing
    demo.py --kills N  one run during which either hub is killed with SIGKILL N times

The hubs are processes of their own on free ports; their data lies in a new directory. Exit code 0
and a closing line tell that all held.
"""

import csv
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EHUB = os.environ.get("EHUB", os.path.join(ROOT, "target", "debug", "ehub"))
EXPECTED = os.path.join(ROOT, "samples", "oracle", "expected.csv")
# Columns that both tables have; amounts are empty where an order did not come so far.
COLUMNS = ["way", "regime", "outcome", "reason", "detail", "treatment", "goods", "freight", "tax", "total",
           "due_to_peer", "import_fee", "seller_payout", "duty", "vat", "ct", "sales_tax", "lvg"]
# What the whole sample trade may take on a small machine that does nothing else.
SECONDS = 60


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def rows(path):
    with open(path, newline="", encoding="utf-8") as f:
        return {int(r["entry"]): r for r in csv.DictReader(f)}


def compare(got_path):
    """All differences, order by order, as lines to read."""
    expected, got = rows(EXPECTED), rows(got_path)
    faults = []
    for entry, want in expected.items():
        have = got.get(entry)
        if have is None:
            faults.append(f"entry {entry}: no outcome")
            continue
        for column in COLUMNS:
            # A refusal's detail is told where the oracle has one.
            if column == "detail" and not want[column]:
                continue
            if want[column] != have[column]:
                faults.append(f"entry {entry} {want['order_no']}: {column} is {have[column]!r}, expected {want[column]!r}")
    return faults


class Killer(threading.Thread):
    """Kills a hub's process at random moments, until told to stop or done."""

    def __init__(self, directory, kills, seed):
        super().__init__(daemon=True)
        self.directory, self.left, self.done = directory, kills, 0
        self.random, self.stopped = random.Random(seed), threading.Event()

    def run(self):
        while self.done < self.left and not self.stopped.wait(self.random.uniform(0.1, 0.9)):
            hub = self.random.choice(["kul", "hgh"])
            found = subprocess.run(["pgrep", "-f", f"serve --dir {re.escape(self.directory)}/{hub}"],
                                   capture_output=True, text=True).stdout.split()
            if found:
                try:
                    os.kill(int(found[0]), signal.SIGKILL)
                    self.done += 1
                except ProcessLookupError:
                    pass


def demo(directory, ports, timeout):
    began = time.monotonic()
    command = [EHUB, "demo", "--exit", "--json", "--dir", directory,
               "--kul-port", str(ports[0]), "--hgh-port", str(ports[1])]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    seconds = time.monotonic() - began
    if done.returncode != 0:
        for hub in ("kul", "hgh"):
            log = os.path.join(directory, hub, "hub.log")
            if os.path.exists(log):
                print(f"--- {hub}: end of {log}")
                print(subprocess.run(["tail", "-n", "25", log], capture_output=True, text=True).stdout)
        print(done.stdout[-2000:], done.stderr[-3000:])
        sys.exit(f"demo ended with {done.returncode}")
    return json.loads(done.stdout), seconds


def check(summary, faults):
    for hub, audit in summary["audits"].items():
        if audit.get("sound") is not True:
            faults.append(f"{hub}: the ledger is not sound: {audit}")
    settlement = summary["hubs"]["hgh"].get("settlement"), summary["hubs"]["kul"].get("settlement")
    print("settlement", json.dumps(settlement)[:400])


def let_go(directory):
    """Ends what still serves there, and removes it; EHUB_KEEP keeps the files."""
    subprocess.run(["pkill", "-f", f"serve --dir {directory}"])
    if os.environ.get("EHUB_KEEP"):
        print("kept", directory)
    else:
        shutil.rmtree(directory, ignore_errors=True)


def main():
    kills = int(sys.argv[sys.argv.index("--kills") + 1]) if "--kills" in sys.argv else 0
    seed = int(os.environ.get("EHUB_SEED", "1"))
    directory = tempfile.mkdtemp(prefix="ehub-e2e-")
    ports = free_port(), free_port()
    killer = Killer(directory, kills, seed)
    try:
        if kills:
            killer.start()
        summary, seconds = demo(directory, ports, 1200)
        killer.stopped.set()
        faults = compare(os.path.join(directory, "outcomes.csv"))
        check(summary, faults)
        events = {hub: s["events"] for hub, s in summary["hubs"].items()}
        print(f"sample trade in {seconds:.1f} s, {killer.done} kills, events {events}")
        print("ways", json.dumps(summary["ways"]))
        if not kills and seconds > SECONDS:
            print(f"slower than {SECONDS} s: is the machine busy?")
        if killer.done < kills:
            faults.append(f"the trade was through after {killer.done} of {kills} kills")
        again, seconds = demo(directory, ports, 300)
        if {hub: s["events"] for hub, s in again["hubs"].items()} != events or again["played"]:
            faults.append("the second run repeated something")
        print(f"second run in {seconds:.1f} s")
        for fault in faults[:40]:
            print(fault)
        print(f"{len(rows(EXPECTED))} orders compared, {len(faults)} differences")
        sys.exit(1 if faults else 0)
    finally:
        killer.stopped.set()
        let_go(directory)


if __name__ == "__main__":
    main()
