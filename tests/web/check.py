#!/usr/bin/env python3
"""The page of `make web` in a headless Chromium: check.py CHROMIUM FOLDER, where FOLDER has index.html.

Digits are drawn by real pointer events, the rest is done by mouse or by keyboard alone. FOLDER gets screenshots in both
themes and two widths. Each line that is printed is a check that passed; the first that does not ends the program.
"""

import functools
import http.server
import json
import os
import pathlib
import statistics
import sys
import threading

from audit import AUDIT
from browser import Browser
from digits import HANDS, written

MOST_BYTES = 1_500_000
FRAME = 16  # milliseconds
WIDTHS = (400, 1280)
THEMES = ("light", "dark")

# Before the page's own script: collects what its frames took, as performance.measure() says it.
COLLECT = """
window.collected = [];
new PerformanceObserver((list) => { for (const e of list.getEntries()) collected.push(e.duration); })
  .observe({ entryTypes: ['measure'] });
"""
WITHOUT_SIMD = "WebAssembly.validate = () => false;"


def require(condition, message):
    if not condition:
        print(f"check-web: FAILED: {message}")
        sys.exit(1)


def passed(message):
    print(f"  ok      {message}", flush=True)


class Server:
    """Serves a folder on this machine and remembers what was asked for."""

    def __init__(self, folder):
        asked = self.asked = []

        class Handler(http.server.SimpleHTTPRequestHandler):
            def log_message(self, *_):
                asked.append(self.path)

        handler = functools.partial(Handler, directory=folder)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Page:
    def __init__(self, browser, address):
        self.browser = browser
        self.address = address
        self.send, self.run, self.wait = browser.send, browser.run, browser.wait

    def resize(self, width):
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)

    def theme(self, name, motion="no-preference"):
        self.send("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": name}, {"name": "prefers-reduced-motion", "value": motion}])
        self.settle()

    def load(self, address=None, forget=True):
        self.send("Page.navigate", url=address or self.address)
        self.wait("document.querySelector('#page') && !document.querySelector('#page').hidden")
        if forget and self.run("localStorage.length"):
            self.run("localStorage.clear()")
            self.load(address)
        self.settle()

    def settle(self):
        self.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def text(self, selector):
        return self.run(f"document.querySelector('{selector}').textContent")

    def guess(self):
        self.settle()
        return self.text("#guess")

    def clear(self):
        if not self.run("document.querySelector('#clear').disabled"):
            self.browser.click("#clear")
        require(self.guess() == "–", "Clear leaves a guess")

    def box(self):
        self.run("document.querySelector('#pad').scrollIntoView({block: 'center'})")
        return self.run("(() => { const b = document.querySelector('#pad').getBoundingClientRect();"
                        "return [b.x, b.y, b.width, b.height] })()")

    def points(self, strokes):
        left, top, width, height = self.box()
        return [[(left + width * x, top + height * y) for x, y in stroke] for stroke in strokes]

    def draw(self, strokes, each=None, **more):
        """Draws strokes with the mouse, or a pen; calls `each` after every event."""
        for stroke in self.points(strokes):
            for i, (x, y) in enumerate(stroke):
                self.browser.mouse("mouseMoved" if i else "mousePressed", x, y, **more)
                if each:
                    each()
            self.browser.mouse("mouseReleased", *stroke[-1], **more)

    def touch(self, strokes):
        for stroke in self.points(strokes):
            for i, (x, y) in enumerate(stroke):
                self.send("Input.dispatchTouchEvent", type="touchMove" if i else "touchStart",
                          touchPoints=[{"x": x, "y": y}])
            self.send("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def picture(self, name):
        return self.run(f"document.querySelector('#{name}').toDataURL()")

    def ink(self):
        """How much of the pad is written on, of 1."""
        return self.run("(() => { const c = document.querySelector('#pad').cloneNode(), g = c.getContext('2d');"
                        "g.drawImage(document.querySelector('#pad'), 0, 0);"
                        "const d = g.getImageData(0, 0, c.width, c.height).data; let n = 0;"
                        "for (let i = 3; i < d.length; i += 4) n += d[i]; return n / (d.length / 4 * 255) })()")

    def train(self):
        """Waits for the end of the training that has been asked for; returns what the page says of it."""
        self.wait("document.querySelector('#state').textContent.startsWith('Trained')", 60)
        return self.text("#state")


def check_digits(page, name):
    wrong = []
    for hand in HANDS:
        for digit in range(10):
            page.clear()
            page.draw(written(digit, hand))
            guess = page.guess()
            if guess != str(digit):
                wrong.append(f"{digit} ({hand}) read as {guess}")
    require(not wrong, f"{name}: {', '.join(wrong)}")
    passed(f"{name}: all ten digits in {len(HANDS)} hands are read right, drawn with the mouse")


def check_live(page):
    """Probabilities and maps change while the pen moves."""
    page.clear()
    seen = {"probabilities": [], "input": [], "maps-1": [], "maps-2": []}

    def look():
        page.settle()
        for name, list_ in seen.items():
            list_.append(page.text("#probabilities") if name == "probabilities" else page.picture(name))

    page.draw(written(3, "large", 0.1), look)
    for name, list_ in seen.items():
        # Percentages stay the same where they are 0 or 100, pictures do not.
        least = (0.5 if name == "probabilities" else 0.8) * len(list_)
        require(len(set(list_)) > least, f"{name} took {len(set(list_))} forms over {len(list_)} events")
    passed(f"probabilities and maps change while one draws: in {len(seen['input'])} events "
           f"{min(len(set(list_)) for list_ in seen.values())} forms or more of each")


def main_thread(page):
    """Milliseconds of CPU time that the page's main thread has spent, in all and on scripts."""
    values = {m["name"]: m["value"] for m in page.send("Performance.getMetrics")["metrics"]}
    return 1000 * values["TaskDuration"], 1000 * values["ScriptDuration"]


def check_frames(page):
    page.clear()
    page.settle()
    page.run("collected.length = 0")
    page.run("window.gaps = []; window.ticking = true; { let last = performance.now(); const tick = (now) => {"
             "gaps.push(now - last); last = now; if (ticking) requestAnimationFrame(tick) };"
             "requestAnimationFrame(tick) }")
    before = main_thread(page)
    for digit in range(10):
        page.draw(written(digit, "large", 0.03))
    after = main_thread(page)
    page.settle()
    frames = sorted(page.run("ticking = false, collected"))
    gaps = sorted(page.run("gaps"))[1:]
    median = statistics.median(frames)
    require(len(frames) > 200, f"only {len(frames)} frames were drawn")
    whole, scripts = ((b - a) / len(frames) for a, b in zip(before, after))
    print(f"          a frame from the pointer's last place to probabilities and maps on their canvases, {len(frames)} "
          f"frames: median {median:.2f} ms, 95th percentile {frames[len(frames) * 95 // 100]:.2f} ms, longest "
          f"{frames[-1]:.2f} ms")
    print("          CPU time of all that the main thread did meanwhile, style, layout and painting included: "
          f"{whole:.2f} ms per frame, scripts {scripts:.2f} ms")
    print(f"          from one frame of the browser to the next: median {statistics.median(gaps):.2f} ms, "
          f"95th percentile {gaps[len(gaps) * 95 // 100]:.2f} ms")
    require(median < FRAME, f"a frame takes {median:.2f} ms, more than {FRAME}")
    require(whole < FRAME, f"the main thread takes {whole:.2f} ms of CPU time for a frame, more than {FRAME}")
    passed(f"a frame takes less than {FRAME} ms")


def check_pens(page):
    page.clear()
    page.send("Emulation.setTouchEmulationEnabled", enabled=True)
    page.box()  # scrolls to the drawing area
    scroll = page.run("scrollY")
    page.touch(written(2, "large"))
    page.send("Emulation.setTouchEmulationEnabled", enabled=False)
    require(page.guess() == "2", "a 2 drawn with a finger is not read as one")
    require(page.run("scrollY") == scroll, "drawing with a finger scrolls the page")
    amounts = []
    for force in (0.1, 0.5, 1.0):
        page.clear()
        page.draw(written(5, "large"), pointerType="pen", force=force)
        require(page.guess() == "5", f"a 5 drawn with a pen of pressure {force} is read as {page.guess()}")
        amounts.append(page.ink())
    require(amounts[0] < 0.8 * amounts[1] < 0.8 * 0.85 * amounts[2], f"pressure does not widen lines: {amounts}")
    passed("a finger draws without scrolling, and a pen's pressure makes lines of "
           + ", ".join(f"{a / amounts[1]:.2f}" for a in amounts) + " times the ink")


# A 7 with a roof: no digit, and the network must take it for something.
ARROW = [[(0.5, 0.9), (0.5, 0.12)], [(0.2, 0.4), (0.5, 0.1), (0.8, 0.4)]]


def check_training(page):
    page.clear()
    page.draw(ARROW)
    first = page.guess()
    table = page.text("#probabilities")
    label = "6" if first != "6" else "2"
    require(page.run("document.querySelector('#train').disabled"), "Train can be pressed without corrections")
    page.browser.click(f"#labels button:nth-child({int(label) + 1})")
    require(page.run("document.querySelectorAll('#corrections li').length") == 1, "a correction is not listed")
    said = page.text("#corrections li span")
    require(said == f"a {label}; the network said {first}", f"the correction says \"{said}\"")
    page.browser.click("#train")
    report = page.train()
    require(page.guess() == label, f"after training the arrow is still read as {page.guess()}, not {label}")
    print(f"          {report}")
    page.clear()
    page.draw([[(x + 0.03, y + 0.02) for x, y in stroke] for stroke in ARROW])
    require(page.guess() == label, f"drawn again, the arrow is read as {page.guess()}, not {label}")
    passed(f"an arrow, read as {first}, is read as {label} after training on one correction")
    check_digits(page, "after training")
    page.browser.click("#reset")
    page.clear()
    page.draw(ARROW)
    require(page.guess() == first and page.text("#probabilities") == table,
            "Reset weights does not bring the answer back")
    passed("Reset weights brings the first answer back, to the last digit")
    page.load(forget=False)
    require(page.run("document.querySelectorAll('#corrections li').length") == 1, "a correction is not kept")
    page.browser.click("#corrections button")
    require(page.run("document.querySelectorAll('#corrections li').length") == 0, "a correction cannot be removed")
    page.load(forget=False)
    require(page.run("document.querySelectorAll('#corrections li').length") == 0, "a removed correction comes back")
    passed("corrections are kept from visit to visit, and can be removed")


def check_keyboard(page):
    """Nothing but keys: draws a 1 and an L, names it, trains, removes the correction."""
    browser = page.browser
    focus = "document.activeElement.id || document.activeElement.textContent.trim()"

    def tab_to(name, most=30):
        for _ in range(most):
            if page.run(focus) == name:
                return
            browser.key("Tab")
        require(False, f"{most} times Tab do not lead to {name}, but to {page.run(focus)}")

    def move(name, times):
        for _ in range(times):
            browser.key(name)

    page.load()
    tab_to("pad")
    require(page.run("getComputedStyle(document.querySelector('#cursor')).display") == "block", "the pen has no cursor")
    move("ArrowUp", 10)
    browser.key(" ")
    page.wait("document.querySelector('#spoken').textContent.startsWith('Pen down, 50 % from the left, 14 %')")
    move("ArrowDown", 20)
    browser.key(" ")
    require(page.guess() == "1", f"a 1 drawn with the keyboard is read as {page.guess()}")
    page.wait("document.querySelector('#spoken').textContent.startsWith('Best guess: 1, ')")
    browser.key(" ")
    for _ in range(4):
        move("ArrowRight", 1)
        browser.key("ArrowRight", shift=True)
    browser.key(" ")
    first = page.guess()
    browser.key("Backspace")
    require(page.guess() == "1", "Backspace does not take the last line back")
    browser.key("Delete")
    require(page.guess() == "–", "Delete does not clear")
    move("ArrowUp", 20)
    move("ArrowLeft", 8)
    browser.key(" ")
    move("ArrowDown", 20)
    move("ArrowRight", 11)
    first = page.guess()
    label = "4" if first != "4" else "8"
    browser.key(label)
    require(page.text("#corrections li span") == f"a {label}; the network said {first}",
            "a digit on the drawing area does not name the drawing")
    tab_to("train")
    browser.key("Enter")
    page.train()
    require(page.run(focus) == "train", f"after training the focus is at \"{page.run(focus)}\"")
    require(page.guess() == label, f"an L, read as {first}, is read as {page.guess()} after training, not {label}")
    tab_to("reset")
    browser.key("Enter")
    require(page.guess() == first, "Reset weights does not work by keyboard")
    tab_to("Remove")
    browser.key("Enter")
    page.wait("document.querySelectorAll('#corrections li').length === 0")
    require(page.run(focus) == "pad", "the focus is lost where the last correction was removed")
    passed("keys alone draw, name, train, reset and remove; the live region says where the pen is and the best guess")


def check_access(page, folder):
    page.load()
    page.draw(written(8, "large"))
    page.browser.click("#labels button:nth-child(4)")
    page.run("document.querySelector('details').open = true")
    tree = page.send("Accessibility.getFullAXTree")["nodes"]
    value = lambda node, key: node.get(key, {}).get("value")
    nodes = [n for n in tree if not n.get("ignored")]
    for node in nodes:
        properties = {p["name"]: p["value"].get("value") for p in node.get("properties", [])}
        role = value(node, "role")
        named = role in ("image", "button", "canvas", "progressbar")
        if named or (properties.get("focusable") and role != "RootWebArea"):
            require(value(node, "name"), f"a {role} has no name")
    roles = [value(n, "role") for n in nodes]
    for role in ("main", "banner", "contentinfo", "heading", "application", "status", "table", "group", "list",
                 "image"):
        require(role in roles, f"nothing on the page has the role {role}")
    require(roles.count("image") >= 4, "the pictures of the maps are no images to screen readers")
    levels = page.run("[...document.querySelectorAll('h1,h2,h3')].map((h) => Number(h.tagName[1]))")
    require(levels[0] == 1 and levels.count(1) == 1 and set(levels[1:]) == {2}, f"headings have the levels {levels}")
    passed(f"{len(nodes)} nodes of the accessibility tree: whatever takes the focus, each button and picture has a "
           "name")
    smallest = 99
    for theme in THEMES:
        for width in WIDTHS:
            page.resize(width)
            page.theme(theme)
            page.browser.screenshot(folder / f"{theme}-{width}.png")
            found = page.run(f"({AUDIT})()")
            require(not found["faults"], f"{theme}, {width} pixels: " + "; ".join(found["faults"]))
            smallest = min(smallest, found["contrast"])
    passed(f"in both themes, {WIDTHS[0]} and {WIDTHS[1]} pixels wide: nothing is cut off, the least contrast of a text "
           f"is {smallest:.2f}, and buttons are 24 pixels or more")
    page.theme("light", "reduce")
    moving = page.run("[...document.querySelectorAll('*')].filter((e) => { const s = getComputedStyle(e);"
                      "return s.transitionDuration.split(', ').some((d) => parseFloat(d) > 0) ||"
                      "s.animationName !== 'none' }).map((e) => e.tagName + '.' + e.className)")
    require(not moving, f"with reduced motion these still move: {moving}")
    page.theme("light")
    require(page.run("getComputedStyle(document.querySelector('.bar')).transitionDuration") != "0s", "bars never move")
    passed("with reduced motion nothing moves by itself")
    page.resize(WIDTHS[1])


def problems(browser):
    """Errors and warnings of the console, and exceptions."""
    found = []
    for event in browser.events:
        kind, p = event["method"], event["params"]
        if kind == "Runtime.exceptionThrown":
            found.append(p["exceptionDetails"].get("exception", {}).get("description") or p["exceptionDetails"]["text"])
        elif kind == "Runtime.consoleAPICalled" and p["type"] in ("error", "warning", "assert"):
            found.append(json.dumps(p["args"]))
        elif kind == "Log.entryAdded" and p["entry"]["level"] in ("error", "warning"):
            found.append(p["entry"]["text"])
    return found


def check_silence(browser, server):
    urls = [e["params"]["request"]["url"] for e in browser.events if e["method"] == "Network.requestWillBeSent"]
    outside = [u for u in urls if u != server.address and not u.startswith(("data:", "file:"))]
    require(urls and not outside, f"the page asks for {outside}")
    require(set(server.asked) == {"/"}, f"the server was asked for {sorted(set(server.asked))}")
    require(not problems(browser), f"the console says {problems(browser)}")
    passed(f"{len(urls)} requests, all of them for the page itself; no error and no warning in the console")


def main():
    program, folder = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
    size = os.path.getsize(folder / "index.html")
    require(size < MOST_BYTES, f"the page is {size} bytes, more than {MOST_BYTES}")
    passed(f"the page is one file of {size} bytes, less than {MOST_BYTES}")
    server = Server(folder)
    browser = Browser(program)
    try:
        page = Page(browser, server.address)
        page.resize(WIDTHS[1])
        page.send("Page.addScriptToEvaluateOnNewDocument", source=COLLECT)
        page.load()
        require("with SIMD" in page.text("#engine"), f"the page runs {page.text('#engine')}")
        check_digits(page, page.text("#engine"))
        check_live(page)
        check_frames(page)
        check_pens(page)
        check_training(page)
        check_keyboard(page)
        check_access(page, folder)
        script = page.send("Page.addScriptToEvaluateOnNewDocument", source=WITHOUT_SIMD)["identifier"]
        page.load()
        require("without SIMD" in page.text("#engine"), f"without SIMD the page runs {page.text('#engine')}")
        check_digits(page, page.text("#engine"))
        check_frames(page)
        page.send("Page.removeScriptToEvaluateOnNewDocument", identifier=script)
        page.load((folder / "index.html").as_uri())
        page.draw(written(4, "large"))
        require(page.guess() == "4", "opened as a file, the page does not work")
        passed("opened as a file, without a server, the page works as well")
        check_silence(browser, server)
    finally:
        browser.close()
    print("check-web: the page draws, reads, learns and can be used without a mouse")


if __name__ == "__main__":
    main()
