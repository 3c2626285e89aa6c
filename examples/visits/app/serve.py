"""A small HTTP server: one function from a path to a status, a content type and a body."""
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NODE = os.environ.get("NODE", "?")
REPLICA = os.environ.get("REPLICA", "?")


def serve(answer, port=8000):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            try:
                status, kind, body = answer(self.path)
            except OSError as error:
                status, kind, body = 503, "text/plain", "Not available now: %s\n" % error
            data = body.encode()
            self.send_response(status)
            self.send_header("content-type", kind + "; charset=utf-8")
            self.send_header("content-length", str(len(data)))
            self.send_header("x-replica", REPLICA)
            self.send_header("x-node", NODE)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, form, *values):
            if self.path != "/healthz":
                print(form % values, flush=True)

    ThreadingHTTPServer.daemon_threads = True
    server = ThreadingHTTPServer(("0.0.0.0", port), Handler)
    print("listening on port %d" % port, flush=True)
    server.serve_forever()
