"""Two nodes of one hub on one PostgreSQL: the deciding one is killed, the other takes over.

Both are real processes; orders to register parties go to the second node, which hands them on to the
first. The first is killed with SIGKILL in the middle, and comes back in the end. Whatever was
answered with a success must be there, once; the log must have no gap and hold together.

Needs PostgreSQL's programs; without them it says so and ends well.
"""

import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

from demo import EHUB, free_port

SECONDS_MAX = 60
WRITERS = 4
# Three stretches: under the first node, across its death, after its return.
STRETCHES = 3


def postgres_programs():
    asked = shutil.which("pg_config")
    places = sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True)
    if asked:
        places.insert(0, subprocess.run([asked, "--bindir"], capture_output=True, text=True).stdout.strip())
    for place in places:
        if os.path.exists(os.path.join(place, "initdb")) and os.path.exists(os.path.join(place, "postgres")):
            return place
    return None


class Postgres:
    """A private server on a socket in its own directory; never as root, which it refuses."""

    def __init__(self, programs):
        self.directory = tempfile.mkdtemp(prefix="ehub-pg-")
        self.become = []
        if os.getuid() == 0:
            user = "postgres" if subprocess.run(["id", "-u", "postgres"], capture_output=True).returncode == 0 else "nobody"
            shutil.chown(self.directory, user)
            group = subprocess.run(["id", "-g", user], capture_output=True, text=True).stdout.strip()
            self.become = ["setpriv", "--reuid", user, "--regid", group, "--clear-groups"]
        data = os.path.join(self.directory, "data")
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/"}
        subprocess.run([*self.become, f"{programs}/initdb", "-D", data, "-A", "trust", "-U", "postgres", "-E", "UTF8",
                        "--locale=C", "-N"], check=True, **quiet)
        self.process = subprocess.Popen([*self.become, f"{programs}/postgres", "-D", data, "-k", self.directory, "-c",
                                         "listen_addresses=", "-c", "fsync=off"], **quiet)
        wait_for(lambda: os.path.exists(os.path.join(self.directory, ".s.PGSQL.5432")), "PostgreSQL")
        self.url = f"postgres://postgres@localhost/postgres?host={self.directory}&sslmode=disable"

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(20)
        shutil.rmtree(self.directory, ignore_errors=True)


class Node:
    def __init__(self, directory):
        self.directory = directory
        with open(os.path.join(directory, "hub.toml"), encoding="utf-8") as f:
            line = next(line for line in f if line.startswith("listen"))
        self.base = "http://" + line.split('"')[1]
        self.start()

    def start(self):
        log = open(os.path.join(self.directory, "hub.log"), "ab")
        self.process = subprocess.Popen([EHUB, "serve", "--dir", self.directory], stdout=log, stderr=log)

    def restart(self):
        self.process.terminate()
        self.process.wait(20)
        self.start()
        wait_for(self.decides, "the hub")

    def get(self, path, key=""):
        return call("GET", self.base + path, None, key)

    def post(self, path, body, key=""):
        return call("POST", self.base + path, body, key)

    def ready(self):
        status, answer = self.get("/readyz")
        return status == 200 and answer

    def decides(self):
        answer = self.ready()
        return bool(answer) and answer["lease"]


def call(method, url, body, key):
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method), timeout=40) as answer:
            return answer.status, json.loads(answer.read() or "null")
    except urllib.error.HTTPError as error:
        text = error.read()
        try:
            return error.code, json.loads(text)
        except ValueError:
            return error.code, text
    except (OSError, ValueError):
        return 0, None


def wait_for(condition, what, seconds=30):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise SystemExit(f"nodes: {what} did not come within {seconds} s")


class Writer(threading.Thread):
    """Offers products through one node, one after the other, and remembers which were taken."""

    def __init__(self, number, node, key, stopped):
        super().__init__(daemon=True)
        self.number, self.node, self.key, self.stopped = number, node, key, stopped
        self.taken, self.refused, self.longest = [], [], 0.0

    def run(self):
        n = 0
        while not self.stopped.is_set():
            sku = f"W{self.number}-{n:05}"
            body = {"sku": sku, "name": "Tea towel", "description": "Cotton kitchen towel, printed", "hs": "630260",
                    "origin": "MY", "weight_grams": 250, "price": {"minor": 4000, "currency": "MYR"}}
            began = time.monotonic()
            status, answer = self.node.post("/api/v1/products", body, self.key)
            self.longest = max(self.longest, time.monotonic() - began)
            if 200 <= status < 300:
                self.taken.append(sku)
                n += 1
            elif status in (0, 503):
                # Not answered: the same again, until it is.
                time.sleep(0.1)
            else:
                self.refused.append((status, answer))
                return


def settle(node, key):
    """Every product that the hub holds, by its number, with how often it is there."""
    held, after = {}, ""
    while True:
        status, page = node.get(f"/api/v1/products?limit=200{after}", key)
        if status != 200:
            raise SystemExit(f"nodes: the list of products: {status} {page}")
        for product in page["products"]:
            sku = product["goods"]["sku"]
            held[sku] = held.get(sku, 0) + 1
        if not page["next"]:
            return held
        after = "&after=" + page["next"]


def play(root, postgres):
    first_port, second_port = free_port(), free_port()
    first_dir, second_dir = os.path.join(root, "first"), os.path.join(root, "second")
    subprocess.run([EHUB, "init", "--dir", first_dir, "--id", "kul.sandbox", "--name", "Kuala Lumpur", "--territory", "MY",
                    "--url", f"http://localhost:{first_port}", "--listen", f"127.0.0.1:{first_port}", "--bank-firm",
                    "Sandbox Bank", "--bank-account", "0001", "--store", postgres.url], check=True,
                   stdout=subprocess.DEVNULL)
    first = Node(first_dir)
    nodes = [first]
    try:
        wait_for(first.decides, "the first node")
        shutil.copytree(first_dir, second_dir)
        config = os.path.join(second_dir, "hub.toml")
        with open(config, encoding="utf-8") as f:
            text = f.read().replace(f"127.0.0.1:{first_port}", f"127.0.0.1:{second_port}")
        with open(config, "w", encoding="utf-8") as f:
            f.write(text)
        second = Node(second_dir)
        nodes.append(second)
        answer = wait_for(second.ready, "the second node")
        assert not answer["lease"], "two nodes decide"
        with open(os.path.join(first_dir, "cast.json"), encoding="utf-8") as f:
            key = next(member["api_key"] for member in json.load(f) if member["role"] == "seller")

        stopped = threading.Event()
        through = [second] * (WRITERS - 1) + [first]
        writers = [Writer(number, node, key, stopped) for number, node in enumerate(through)]
        for writer in writers:
            writer.start()
        taken = lambda: sum(len(writer.taken) for writer in writers)
        wait_for(lambda: taken() > 50, "the first products")

        first.process.kill()
        first.process.wait()
        before = taken()
        began = time.monotonic()
        wait_for(second.decides, "the second node's lease")
        took = time.monotonic() - began
        wait_for(lambda: taken() > before + 50, "products after the takeover")

        first.start()
        wait_for(first.ready, "the first node again")
        assert not first.decides(), "the one that came back decides beside the other"
        behind = len(writers[-1].taken)
        wait_for(lambda: len(writers[-1].taken) > behind + 20, "products through the node that came back")

        # A planned end hands over at once.
        second.process.terminate()
        second.process.wait(30)
        wait_for(first.decides, "the handover", 10)
        stopped.set()
        for writer in writers:
            writer.join(45)
        held = settle(first, key)
        faults = [f"refused: {writer.refused}" for writer in writers if writer.refused]
        for writer in writers:
            lost = [sku for sku in writer.taken if sku not in held]
            if lost:
                faults.append(f"writer {writer.number}: {len(lost)} accepted and lost, first {lost[0]}")
            if writer.longest > 30:
                faults.append(f"writer {writer.number} waited {writer.longest:.0f} s for an answer")
        faults += [f"{sku} is there {times} times" for sku, times in held.items() if times > 1]
        first.process.terminate()
        first.process.wait(30)
        audit = subprocess.run([EHUB, "audit", "--dir", first_dir, "--json"], capture_output=True, text=True)
        if audit.returncode != 0:
            faults.append(f"audit: {audit.stdout} {audit.stderr}")
        return faults, taken(), took
    finally:
        for node in nodes:
            if node.process.poll() is None:
                node.process.kill()
                node.process.wait()


def main():
    programs = postgres_programs()
    if not programs:
        print("nodes: LEFT OUT, since PostgreSQL is not installed")
        return 0
    began = time.monotonic()
    root = tempfile.mkdtemp(prefix="ehub-nodes-")
    postgres = Postgres(programs)
    try:
        faults, taken, took = play(root, postgres)
    finally:
        postgres.stop()
    seconds = time.monotonic() - began
    if seconds > SECONDS_MAX:
        faults.append(f"it took {seconds:.0f} s, more than {SECONDS_MAX}")
    for fault in faults:
        print(f"nodes: {fault}")
    if faults:
        print(f"nodes: FAILED; what the nodes wrote is in {root}")
        return 1
    shutil.rmtree(root, ignore_errors=True)
    print(f"nodes: {taken} products taken by two nodes, none lost; taken over {took:.1f} s after the kill; {seconds:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
