#!/usr/bin/env python3
"""A mirror of MNIST that misbehaves, for the tests of fetching: mirror.py FOLDER [FILES]

It listens on a free port of 127.0.0.1, whose number it writes to FOLDER/port, and logs every request to FOLDER/requests and what
"endless" could send to FOLDER/sent. The first part of a path says how it behaves: http://127.0.0.1:PORT/bomb/any-file.gz"""
import gzip
import http.server
import os
import sys
import time
import zlib

FOLDER = sys.argv[1]
FILES = sys.argv[2] if len(sys.argv) > 2 else None
LIMIT = 256 << 20  # what an endless answer ends at after all, so that a broken test ends too


def bomb():
    """A gzip file of 256 MB of zeros, which is a quarter of a megabyte long."""
    packer, zeros = zlib.compressobj(1, zlib.DEFLATED, 31), bytes(1 << 20)
    return b"".join(packer.compress(zeros) for _ in range(LIMIT >> 20)) + packer.flush()


class Mirror(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, body, length=None):
        self.send_response(200)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(body)

    def whole(self, body):
        self.answer(body, len(body))

    def redirect(self, url):
        self.send_response(302)
        self.send_header("Location", url)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def wrong(self):
        self.whole(gzip.compress(b"hello"))

    def plain(self):
        self.whole(b"<html>not what you asked for</html>")

    def empty(self):
        self.whole(b"")

    def truncated(self):
        self.answer(gzip.compress(os.urandom(5000))[:2000], 5000)

    def too_long(self):
        self.answer(b"", 1 << 40)

    def bomb(self):
        self.whole(bomb())

    def endless(self):
        self.answer(b"")
        sent, chunk = 0, b"\x1f\x8b\x08" + bytes((1 << 16) - 3)
        try:
            while sent < LIMIT:
                self.wfile.write(chunk)
                sent += len(chunk)
        except OSError:
            pass
        with open(FOLDER + "/sent", "a") as log:
            log.write("%d\n" % sent)

    def slow(self):
        self.answer(b"\x1f\x8b\x08\x00")
        try:
            for _ in range(600):
                self.wfile.write(b"x")
                time.sleep(0.1)
        except OSError:
            pass

    def to_file(self):
        self.redirect("file://" + FOLDER + "/secret.gz")

    def loop(self):
        self.redirect(self.path)

    def moved(self):
        self.redirect(self.path.replace("/moved/", "/good/"))

    def good(self):
        with open(os.path.join(FILES, os.path.basename(self.path)), "rb") as file:
            self.whole(file.read())

    def do_GET(self):
        with open(FOLDER + "/requests", "a") as log:
            log.write("GET %s\n" % self.path)
        behaviour = getattr(self, self.path.split("/")[1], None)
        if behaviour:
            behaviour()
        else:
            self.send_error(404)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
server.daemon_threads = True
with open(FOLDER + "/port.part", "w") as port:
    port.write(str(server.server_address[1]))
os.rename(FOLDER + "/port.part", FOLDER + "/port")
server.serve_forever()
