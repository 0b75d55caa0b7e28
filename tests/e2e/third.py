"""A third hub, of Singapore, joins by two commands while two others trade, and sells a parcel into one.

The two are those of `ehub demo`, in the middle of the sample trade. The third is made by `ehub init` and
served with `--join`; it accepts them and they accept it by themselves, since all are sandboxes whose
operators have switched that on. Its seller's practice order goes from the price list to the payout, and in
the end each of the three has countersigned the logs of the other two.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

from demo import EHUB, free_port
from nodes import call, wait_for

DEMO_SECONDS = 900


class Hub:
    """A hub of a directory, asked by the parties of its cast."""

    def __init__(self, directory, port):
        self.directory, self.base, self.keys = directory, f"http://127.0.0.1:{port}", {}

    def key(self, role):
        if role not in self.keys:
            with open(os.path.join(self.directory, "cast.json"), encoding="utf-8") as f:
                self.keys = {member["role"]: member["api_key"] for member in json.load(f)}
        return self.keys[role]

    def get(self, path, role=None):
        return call("GET", self.base + path, None, self.key(role) if role else "")

    def post(self, path, body, role):
        return call("POST", self.base + path, body, self.key(role))

    def form(self, path, role, **fields):
        """What a form of a page sends; where it leads to is not looked at."""
        data = urllib.parse.urlencode(fields).encode()
        request = urllib.request.Request(self.base + path, data, {"Authorization": f"Bearer {self.key(role)}"})
        try:
            with urllib.request.build_opener(Stay).open(request, timeout=30) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    def ready(self):
        status, answer = self.get("/readyz")
        return status == 200 and answer

    def peers(self):
        answer = self.ready()
        return {road["peer"] for road in answer["roads"]} if answer else set()

    def trades(self):
        status, answer = self.get("/api/v1/summary", "operator")
        return sum(answer["trades_by_stage"].values()) if status == 200 else 0


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def stage(hub, trade):
    status, answer = hub.get(f"/api/v1/trades/{urllib.parse.quote(trade, safe='')}", "operator")
    return answer.get("stage") if status == 200 else None


def join(root, kul, hgh):
    """Two commands; gives the third hub and its process."""
    port, directory = free_port(), os.path.join(root, "sin")
    subprocess.run([EHUB, "init", "--dir", directory, "--id", "sin.sandbox", "--name", "Singapore", "--territory", "SG",
                    "--url", f"http://localhost:{port}", "--listen", f"127.0.0.1:{port}", "--bank-firm", "Sandbox Bank",
                    "--bank-account", "0001"], check=True, stdout=subprocess.DEVNULL)
    log = open(os.path.join(directory, "hub.log"), "ab")
    process = subprocess.Popen([EHUB, "serve", "--dir", directory, "--join", kul.base, "--join", hgh.base],
                               stdout=log, stderr=log)
    return Hub(directory, port), process


def sell(sin, hgh):
    """One piece from Singapore to China, ordered and handled by the cast, declared by the seller."""
    goods = {"sku": "SG-TOWEL", "name": "Tea towel", "description": "Cotton kitchen towel, printed", "hs": "630260",
             "origin": "SG", "weight_grams": 250, "price": {"minor": 1300, "currency": "SGD"}}
    status, product = sin.post("/api/v1/products", goods, "seller")
    assert status == 201, (status, product)
    offered = lambda: any(o["key"].startswith("sin.sandbox") for o in hgh.get("/api/v1/offers?limit=200", "buyer")[1]["offers"])
    wait_for(offered, "the offer from Singapore")
    mine = sin.get("/api/v1/products", "seller")[1]["products"][0]["id"]
    assert sin.form("/start/practice", "seller", product=mine) == 303
    row = lambda: next(iter(sin.get("/api/v1/trades", "seller")[1]["trades"]), None)
    trade = wait_for(row, "the practice order")["id"]
    wait_for(lambda: stage(sin, trade) == "in-escrow", "the money in escrow")
    assert sin.form("/start/hand-over", "seller", trade=trade) == 303
    assert sin.form("/start/declare", "seller", trade=trade) == 303
    for hub in (sin, hgh):
        wait_for(lambda: stage(hub, trade) == "paid", f"the end of {trade}", 120)
    return trade


def all_witness(hubs):
    for hub in hubs:
        status, answer = hub.get("/api/v1/operator/road", "operator")
        if status != 200 or len(answer["roads"]) != len(hubs) - 1:
            return False
        if any(road["witnessed"] == 0 or road["seen"] == 0 or road["sent"] > road["confirmed"] for road in answer["roads"]):
            return False
    return True


def play(root):
    ports = free_port(), free_port()
    kul, hgh = Hub(os.path.join(root, "kul"), ports[0]), Hub(os.path.join(root, "hgh"), ports[1])
    processes = []
    try:
        with open(os.path.join(root, "demo.log"), "wb") as log:
            processes.append(subprocess.Popen([EHUB, "demo", "--dir", root, "--kul-port", str(ports[0]), "--hgh-port",
                                               str(ports[1])], stdout=log, stderr=log))
        done = lambda: os.path.exists(os.path.join(root, "sample.done"))
        wait_for(lambda: kul.ready() and hgh.ready(), "the two hubs", 60)
        wait_for(lambda: hgh.trades() > 50, "trade between the two", DEMO_SECONDS)
        began = time.monotonic()
        sin, process = join(root, kul, hgh)
        processes.append(process)
        wait_for(lambda: sin.peers() == {"kul.sandbox", "hgh.sandbox"}, "the third hub's roads", 60)
        for hub in (kul, hgh):
            wait_for(lambda: "sin.sandbox" in hub.peers(), "the third hub at its peers", 60)
        took = time.monotonic() - began
        assert not done(), "the sample trade was over before the third hub had joined"
        wait_for(done, "the end of the sample trade", DEMO_SECONDS)
        trade = sell(sin, hgh)
        hubs = (kul, hgh, sin)
        wait_for(lambda: all_witness(hubs), "each other's countersignatures", 120)
        for hub in hubs:
            status, audit = hub.get("/api/v1/audit", "operator")
            assert status == 200 and audit["sound"], audit
        # The doctor finds nothing wrong with a hub that runs.
        doctor = subprocess.run([EHUB, "doctor", "--dir", sin.directory, "--json"], capture_output=True, text=True)
        found = json.loads(doctor.stdout)
        assert doctor.returncode == 0 and found["worst"] != "fault", doctor.stdout
        assert {"process-ready", "balances-ok", "log-ok"} <= {f["code"] for f in found["findings"]}, doctor.stdout
        assert sin.ready()["lease"], "the doctor took the running hub's lease"
        return trade, took
    finally:
        for process in reversed(processes):
            process.terminate()
        for process in processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def main():
    root = tempfile.mkdtemp(prefix="ehub-third-")
    try:
        trade, took = play(root)
    except (AssertionError, SystemExit) as fault:
        print(f"third: FAILED: {fault}; what the hubs wrote is in {root}")
        return 1
    shutil.rmtree(root, ignore_errors=True)
    print(f"third: Singapore joined in {took:.1f} s while two hubs traded, sold {trade}, and all three witness each other")
    return 0


if __name__ == "__main__":
    sys.exit(main())
