"""A program that takes webhooks over TLS, for tests: another make than our client. Needs nothing but Python.

    python receiver.py --certificate FILE --key FILE

Says `ready PORT` once it listens on 127.0.0.1; each webhook that it takes is a line of JSON on its output, with the name
that the client asked for in its TLS greeting: {"name": ..., "host": ..., "id": ..., "body": ...}. Ends with its input.
"""

import argparse
import json
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def say(line):
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        name = getattr(self.connection, "asked_for", None)
        say(json.dumps({"name": name, "host": self.headers["host"], "id": self.headers["webhook-id"], "body": body}))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    def handle_error(self, *_):
        # A client that does not like the certificate.
        pass


def greeted(connection, name, _):
    connection.asked_for = name


arguments = argparse.ArgumentParser()
arguments.add_argument("--certificate", required=True)
arguments.add_argument("--key", required=True)
given = arguments.parse_args()
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(given.certificate, given.key)
context.sni_callback = greeted
server = Server(("127.0.0.1", 0), Receiver)
server.socket = context.wrap_socket(server.socket, server_side=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
say(f"ready {server.server_port}")
sys.stdin.read()
