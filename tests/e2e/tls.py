"""A road over TLS: a hub reaches its peer by https if the machine trusts who signed for the peer, and
not otherwise.

Two real hubs; before the peer stands a proxy with a certificate of an authority made for this test.
Needs `openssl` to make it; without, it says so and ends well.
"""

import http.server
import json
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

from demo import EHUB, free_port
from nodes import Node, wait_for


def certificates(root):
    """An authority, and a certificate by it for localhost."""
    path = lambda name: os.path.join(root, name)
    openssl = lambda *words: subprocess.run(["openssl", *words], check=True, capture_output=True)
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", path("ca.key"), "-out", path("ca.pem"),
            "-days", "2", "-subj", "/CN=test authority")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", path("key.pem"), "-out", path("leaf.csr"), "-subj",
            "/CN=localhost")
    with open(path("extensions"), "w", encoding="utf-8") as f:
        f.write("subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n")
    openssl("x509", "-req", "-in", path("leaf.csr"), "-CA", path("ca.pem"), "-CAkey", path("ca.key"),
            "-CAcreateserial", "-days", "2", "-extfile", path("extensions"), "-out", path("cert.pem"))


class Proxy(http.server.ThreadingHTTPServer):
    """Takes https, and hands each request on in http."""

    daemon_threads = True

    def __init__(self, root, behind):
        super().__init__(("127.0.0.1", 0), handler(behind))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(os.path.join(root, "cert.pem"), os.path.join(root, "key.pem"))
        self.socket = context.wrap_socket(self.socket, server_side=True)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        """A handshake that came to nothing is what one half of this test wants."""


def handler(behind):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection")}
            request = urllib.request.Request(behind + self.path, body, headers, method="POST")
            try:
                answer = urllib.request.urlopen(request, timeout=20)
            except urllib.error.HTTPError as error:
                answer = error
            text = answer.read()
            self.send_response(answer.status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *words):
            pass

    return Handler


def hub(root, name, territory):
    port, directory = free_port(), os.path.join(root, name)
    subprocess.run([EHUB, "init", "--dir", directory, "--id", f"{name}.sandbox", "--name", name, "--territory", territory,
                    "--url", f"http://localhost:{port}", "--listen", f"127.0.0.1:{port}", "--bank-firm", "Sandbox Bank",
                    "--bank-account", "0001"], check=True, stdout=subprocess.DEVNULL)
    return directory


def operator(node):
    with open(os.path.join(node.directory, "cast.json"), encoding="utf-8") as f:
        return next(member["api_key"] for member in json.load(f) if member["role"] == "operator")


def accept(node, peer, url):
    card = peer.get("/.well-known/ehub.json")[1]
    status, answer = node.post("/api/v1/peers", {"card": card, "url": url}, operator(node))
    assert status == 200, answer


def road(node):
    return node.get("/readyz")[1]["roads"][0]


def play(root):
    certificates(root)
    # An authority that did not sign for the peer.
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", os.devnull, "-out",
                    os.path.join(root, "other.pem"), "-days", "2", "-subj", "/CN=another"], check=True,
                   capture_output=True)
    nodes = []
    try:
        hgh = Node(hub(root, "hgh", "CN"))
        nodes.append(hgh)
        os.environ["SSL_CERT_FILE"] = os.path.join(root, "other.pem")
        kul = Node(hub(root, "kul", "MY"))
        nodes.append(kul)
        for node in nodes:
            wait_for(node.decides, "a hub")
        proxy = Proxy(root, hgh.base)
        accept(hgh, kul, kul.base)
        accept(kul, hgh, f"https://localhost:{proxy.server_address[1]}")
        # Long enough for some tries.
        time.sleep(4)
        assert road(kul)["backlog"] > 0, "a batch went to a peer that nobody vouches for"
        os.environ["SSL_CERT_FILE"] = os.path.join(root, "ca.pem")
        kul.restart()
        wait_for(lambda: road(kul)["backlog"] == 0, "the batch over TLS")
    finally:
        for node in nodes:
            node.process.kill()
            node.process.wait()


def main():
    if not shutil.which("openssl"):
        print("tls: LEFT OUT, since openssl is not installed")
        return 0
    root = tempfile.mkdtemp(prefix="ehub-tls-")
    try:
        play(root)
    finally:
        shutil.rmtree(root, ignore_errors=True)
    print("tls: a road over https, with the machine's roots and not without")
    return 0


if __name__ == "__main__":
    sys.exit(main())
