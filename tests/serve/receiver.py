"""receiver.py PORT FAILURES FILE: takes webhooks in, and answers 500 to the first few.

Writes a line of JSON for each request: its id, its body, the answer, and whether the signature is
right by Python's own HMAC.
"""

import base64
import hashlib
import hmac
import http.server
import json
import sys
import time

SECRET = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
port, failures, file = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        global failures
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.path == "/moved":
            status = 302
        elif failures > 0:
            failures -= 1
            status = 500
        else:
            status = 204
        message = self.headers["webhook-id"], self.headers["webhook-timestamp"]
        signed = ".".join(message).encode() + b"." + body
        expected = hmac.new(base64.b64decode(SECRET), signed, hashlib.sha256).digest()
        name, _, given = self.headers["webhook-signature"].partition(",")
        line = {
            "id": message[0],
            "path": self.path,
            "signed": name == "v1" and hmac.compare_digest(base64.b64decode(given), expected),
            "fresh": abs(time.time() - int(message[1])) < 300,
            "status": status,
            "body": json.loads(body),
        }
        with open(file, "a") as out:
            out.write(json.dumps(line) + "\n")
        self.send_response(status)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", port), Receiver).serve_forever()
