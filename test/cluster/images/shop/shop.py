"""What the programs of the test projects do: serve pages about themselves, or do their work once and end."""
import json
import os
import socket
import sys
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def reach(place, timeout=2):
    host, port = place.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout):
        return sorted({entry[4][0] for entry in socket.getaddrinfo(host, None, socket.AF_INET)})


def answer(path):
    url = urllib.parse.urlsplit(path)
    query = dict(urllib.parse.parse_qsl(url.query))
    if url.path == "/reach":
        return {"addresses": reach(query["at"])}
    if url.path == "/file":
        with open(query["path"]) as file:
            return {"text": file.read(), "mode": oct(os.stat(query["path"]).st_mode)[-3:], "uid": os.stat(query["path"]).st_uid}
    return {"host": socket.gethostname(), "environment": dict(os.environ), "arguments": sys.argv[1:]}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            status, found = 200, answer(self.path)
        except (OSError, KeyError) as error:
            status, found = 503, {"error": str(error)}
        body = json.dumps(found).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, form, *values):
        pass


def serve(port):
    ThreadingHTTPServer.daemon_threads = True
    ThreadingHTTPServer(("0.0.0.0", port), Handler).serve_forever()


def wait_for(place):
    """Once; who calls has said that it is there already."""
    print("reached", place, "at", reach(place, 10), flush=True)


role, *rest = sys.argv[1:] or ["serve", "80"]
if role == "serve":
    serve(int(rest[0]))
elif role == "reach":
    wait_for(rest[0])
elif role == "write":
    with open(rest[0], "w") as file:
        file.write("saved\n")
elif role == "idle":
    time.sleep(99999)
else:
    sys.exit("unknown role: " + role)
