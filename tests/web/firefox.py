#!/usr/bin/env python3
"""The page of `make web`, and reports, in a headless Firefox: firefox.py FIREFOX FOLDER [REPORT...], where FOLDER has
index.html and a REPORT is a folder of mnist_cnn --report. Firefox is driven over its own protocol, Marionette: lengths
and JSON over a socket. check.py looks at all the rest in Chromium; this shows that the page reads digits, learns and
is silent in another engine.
"""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

from digits import HANDS, written

TIMEOUT = 120  # seconds for one answer; the first start of a Firefox takes its time

# Nothing is fetched, asked or reported by the browser itself; the system chooses the port.
PREFERENCES = {
    "marionette.port": 0,
    "network.proxy.type": 1,
    "network.proxy.http": "127.0.0.1",
    "network.proxy.http_port": 9,
    "network.proxy.ssl": "127.0.0.1",
    "network.proxy.ssl_port": 9,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.page": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.reportingpolicy.firstRun": False,
    "app.update.auto": False,
    "ui.prefersReducedMotion": 0,
}

# Before the page's own script there is no hook; what fails after loading is collected here.
COLLECT = """
window.problems = [];
window.addEventListener('error', (e) => problems.push(e.message));
window.addEventListener('unhandledrejection', (e) => problems.push(String(e.reason)));
document.addEventListener('securitypolicyviolation', (e) => problems.push(`${e.violatedDirective} ${e.blockedURI}`));
for (const level of ['error', 'warn']) {
  const before = console[level];
  console[level] = (...all) => { problems.push(all.join(' ')); before.apply(console, all); };
}
"""


def require(condition, message):
    if not condition:
        print(f"check-web: FAILED: Firefox: {message}")
        sys.exit(1)


def passed(message):
    print(f"  ok      {message}", flush=True)


class Firefox:
    def __init__(self, program):
        self.folder = tempfile.mkdtemp(prefix="cnn-web-")
        with open(os.path.join(self.folder, "user.js"), "w", encoding="utf-8") as file:
            for name, value in PREFERENCES.items():
                file.write(f"user_pref({json.dumps(name)}, {json.dumps(value)});\n")
        home = {**os.environ, "HOME": self.folder, "MOZ_HEADLESS_WIDTH": "1280", "MOZ_HEADLESS_HEIGHT": "900"}
        self.process = subprocess.Popen(
            [program, "--headless", "--no-remote", "--marionette", "--profile", self.folder, "about:blank"], env=home,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        self.last_id = 0
        self.socket = self._connect()
        self._message()  # its greeting
        self.send("WebDriver:NewSession", capabilities={"alwaysMatch": {}})

    def _connect(self):
        """Firefox writes the number of the port into its profile."""
        path = os.path.join(self.folder, "MarionetteActivePort")
        deadline = time.monotonic() + TIMEOUT
        while True:
            try:
                with open(path, encoding="utf-8") as file:
                    return socket.create_connection(("127.0.0.1", int(file.read())), TIMEOUT)
            except (OSError, ValueError):
                require(self.process.poll() is None, f"it ended with {self.process.returncode}")
                require(time.monotonic() < deadline, f"it does not answer within {TIMEOUT} s")
                time.sleep(0.1)

    def _read(self, size):
        data = b""
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            require(more, "it closed the connection")
            data += more
        return data

    def _message(self):
        length = b""
        while not length.endswith(b":"):
            length += self._read(1)
        return json.loads(self._read(int(length[:-1])))

    def send(self, command, **parameters):
        self.last_id += 1
        data = json.dumps([0, self.last_id, command, parameters]).encode()
        self.socket.sendall(str(len(data)).encode() + b":" + data)
        _, number, error, result = self._message()
        require(number == self.last_id, f"{command} is answered by message {number}")
        require(not error, f"{command}: {error and error.get('message')}")
        return result

    def run(self, expression):
        """The value of an expression of JavaScript's, waited for where it is a promise."""
        return self.send("WebDriver:ExecuteAsyncScript", sandbox=None, args=[],
                         script=f"const done = arguments[0]; Promise.resolve({expression}).then(done);")["value"]

    def wait(self, expression, seconds=60):
        deadline = time.monotonic() + seconds
        while not self.run(f"Boolean({expression})"):
            require(time.monotonic() < deadline, f"after {seconds} s this is still not true: {expression}")
            time.sleep(0.02)

    def go(self, address):
        self.send("WebDriver:Navigate", url=address)

    def draw(self, strokes):
        """Draws strokes, in pixels of the window, by a mouse."""
        moves = []
        for stroke in strokes:
            for i, (x, y) in enumerate(stroke):
                moves.append({"type": "pointerMove", "x": round(x), "y": round(y), "duration": 0, "origin": "viewport"})
                if i == 0:
                    moves.append({"type": "pointerDown", "button": 0})
            moves.append({"type": "pointerUp", "button": 0})
        mouse = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": moves}
        self.send("WebDriver:PerformActions", actions=[mouse])

    def close(self):
        try:
            self.send("Marionette:Quit", flags=["eForceQuit"])
            self.socket.close()
            self.process.wait(20)
        except (OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


SETTLE = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))"


def text(browser, selector):
    return browser.run(f"document.querySelector({json.dumps(selector)}).textContent")


def write(browser, strokes):
    browser.run("document.querySelector('#clear').disabled || document.querySelector('#clear').click()")
    left, top, width, height = browser.run(
        "(() => { const pad = document.querySelector('#pad'); pad.scrollIntoView({block: 'center'});"
        "const b = pad.getBoundingClientRect(); return [b.x, b.y, b.width, b.height] })()")
    browser.draw([[(left + width * x, top + height * y) for x, y in stroke] for stroke in strokes])
    browser.run(SETTLE)
    return text(browser, "#guess")


def check_page(browser, address):
    browser.go(address)
    browser.wait("document.querySelector('#page') && !document.querySelector('#page').hidden")
    browser.run(f"(() => {{ {COLLECT} }})()")
    engine = text(browser, "#engine")
    require("with SIMD" in engine, f"the page runs {engine}")
    wrong = [f"{digit} ({hand}) read as {guess}" for hand in HANDS for digit in range(10)
             if (guess := write(browser, written(digit, hand))) != str(digit)]
    require(not wrong, ", ".join(wrong))
    version = browser.run("navigator.userAgent.match(/[0-9.]+$/)[0]")
    passed(f"Firefox {version}, {engine}: all ten digits in {len(HANDS)} hands are read right, drawn with the mouse")
    arrow = [[(0.5, 0.9), (0.5, 0.12)], [(0.2, 0.4), (0.5, 0.1), (0.8, 0.4)]]
    first = write(browser, arrow)
    label = "6" if first != "6" else "2"
    browser.run(f"document.querySelector('#labels button:nth-child({int(label) + 1})').click()")
    browser.run("document.querySelector('#train').click()")
    browser.wait("document.querySelector('#state').textContent.startsWith('Trained')", 120)
    guess = text(browser, "#guess")
    require(guess == label, f"after training the arrow is read as {guess}, not {label}")
    passed(f"Firefox: an arrow, read as {first}, is read as {label} after training on one correction")
    problems = browser.run("problems")
    require(not problems, f"the page says {problems}")


LOOK = """({
  title: document.title,
  figures: document.querySelectorAll('figure').length,
  flat: [...document.querySelectorAll('figure svg')].filter((e) => e.getBoundingClientRect().height < 50).length,
  empty: [...document.querySelectorAll('image')].filter((e) => e.getBoundingClientRect().width < 1).length,
  sideways: document.documentElement.scrollWidth > innerWidth,
})"""


def check_report(browser, folder):
    browser.go((folder / "report.html").as_uri())
    found = browser.run(LOOK)
    require(found["title"] and found["figures"] >= 5, f"the report has few figures or no title: {found}")
    require(not found["flat"] and not found["empty"], f"figures of the report are not drawn: {found}")
    require(not found["sideways"], "the report scrolls sideways")
    passed(f"Firefox: the report \"{found['title']}\" has {found['figures']} figures, all of them drawn")


def main():
    program, page = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
    browser = Firefox(program)
    try:
        check_page(browser, (page / "index.html").as_uri())
        for report in sys.argv[3:]:
            check_report(browser, pathlib.Path(report).resolve())
    finally:
        browser.close()


if __name__ == "__main__":
    main()
