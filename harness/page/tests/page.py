"""Opens the page in Chromium with the network off and gives it logs: what it saves is what `busbar lint` prints.

Arguments: the browser, the page, the `busbar` binary, a folder of logs, and, for a person to look at, a folder for screenshots.
It speaks the DevTools protocol over pipes, so that it needs nothing but Python.
"""

import base64
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time


class Browser:
    """A browser without a window, spoken to by its two pipes (`--remote-debugging-pipe`)."""

    def __init__(self, program, profile):
        ours_in, theirs_out = os.pipe()
        theirs_in, ours_out = os.pipe()
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", f"--user-data-dir={profile}"]

        def pipes():
            # The browser reads from 3 and writes to 4.
            reading, writing = os.dup(theirs_in), os.dup(theirs_out)
            os.dup2(reading, 3)
            os.dup2(writing, 4)

        self.process = subprocess.Popen(
            [program, *flags, "about:blank"],
            preexec_fn=pipes,
            close_fds=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self.reading, self.writing = ours_in, ours_out
        self.left, self.number, self.session, self.events = b"", 0, None, []

    def message(self):
        while b"\0" not in self.left:
            part = os.read(self.reading, 1 << 20)
            if not part:
                raise SystemExit("the browser went away")
            self.left += part
        text, self.left = self.left.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, **params):
        self.number += 1
        asked = {"id": self.number, "method": method, "params": params}
        if self.session:
            asked["sessionId"] = self.session
        os.write(self.writing, json.dumps(asked).encode() + b"\0")
        while True:
            said = self.message()
            if said.get("id") == self.number:
                if "error" in said:
                    raise SystemExit(f"{method}: {said['error']}")
                return said["result"]
            self.events.append(said)

    def evaluate(self, script):
        said = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in said:
            raise SystemExit(f"{script}: {said['exceptionDetails']}")
        return said["result"].get("value")

    def page(self, url):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ["Page", "Runtime", "DOM", "Network", "Log"]:
            self.call(f"{domain}.enable")
        self.call("Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=0, uploadThroughput=0)
        self.call("Page.navigate", url=url)
        while self.evaluate("document.readyState") != "complete":
            time.sleep(0.05)

    def give(self, path, settings=()):
        """Puts a log into the page; the JSON that comes, and how long it and the longest pause of the page took."""
        self.evaluate(
            "document.body.dataset.outcome = by('file').value = ''; window.longest = 0; window.before = performance.now();"
            "clearInterval(window.clock); window.clock = setInterval(() => { const now = performance.now();"
            "longest = Math.max(longest, now - before); before = now; }, 10)"
        )
        for name, value in {**NOTHING_SET, **dict(settings)}.items():
            kind = "checked" if isinstance(value, bool) else "value"
            self.evaluate(f"by('{name}').{kind} = {json.dumps(value)}")
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        field = self.call("DOM.querySelector", nodeId=root, selector="#file")["nodeId"]
        began = time.monotonic()
        self.call("DOM.setFileInputFiles", nodeId=field, files=[str(path)])
        while not self.evaluate("document.body.dataset.outcome"):
            if time.monotonic() - began > 120:
                raise SystemExit(f"{path}: nothing within two minutes: {self.evaluate('document.body.innerText')}")
            time.sleep(0.02)
        took = time.monotonic() - began
        if self.evaluate("document.body.dataset.outcome") == "failed":
            raise SystemExit(f"{path}: {self.evaluate('document.body.innerText')}")
        return self.evaluate("answer.text()"), took, self.evaluate("longest")

    def size(self, width, height, dark=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def tab(self):
        """The element that the next Tab reaches."""
        for kind in ["keyDown", "keyUp"]:
            self.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
        return self.evaluate("document.activeElement.id")

    def shot(self, folder, name):
        if folder:
            image = self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]
            pathlib.Path(folder, f"{name}.png").write_bytes(base64.b64decode(image))


NOTHING_SET = {"cells": "", "chemistry": "", "certify": False, "strict": False}
# What the page is told, and the options that say the same.
SETTINGS = [
    ({}, []),
    ({"certify": True, "strict": True}, ["--for-certification", "--strict"]),
    ({"cells": "16"}, ["--cells", "16"]),
    ({"cells": "15", "chemistry": "lfp"}, ["--cells", "15", "--chemistry", "lfp"]),
]

# A name, an interface and texts that would be markup.
ATTACK = "<img src=x onerror=document.title='owned'>"


def hostile():
    text = "".join(f"370#{part.encode().hex()}\n371#{rest.encode().hex()}\n" for part, rest in [("<b>bold<", "/b><img>")])
    return "".join(f"(1700000000.{n:06}) <b>can0</b> {line}\n" for n, line in enumerate(text.splitlines() * 5))


def large(path):
    """A log of 50 MB, of a battery that sends six messages a second for two days."""
    cycle = ["351#3602E803E803B801", "355#6400640000000000", "356#A014000000010000", "35A#AAAAAAAAAAAAAAAA"]
    cycle += ["35E#4255534241520000", "305#0000000000000000"]
    with open(path, "w", encoding="ascii") as out:
        second = 1_700_000_000
        while out.tell() < 50_000_000:
            for _ in range(1000):
                out.writelines(f"({second}.{10_000 * place:06}) can0 {frame}\n" for place, frame in enumerate(cycle))
                second += 1


def lint(busbar, log, options):
    command = [busbar, "lint", "--format", "json", *options, log.name]
    return subprocess.run(command, cwd=log.parent, capture_output=True, check=False).stdout


def compare(browser, busbar, log, settings, options):
    text, took, pause = browser.give(log, settings)
    expected = lint(busbar, log, options)
    if text.encode() != expected:
        raise SystemExit(f"{log.name} {options}\n{text[:2000]}\n--- and busbar lint:\n{expected[:2000].decode()}")
    return took, pause


def check(holds, what):
    if not holds:
        raise SystemExit(what)


def main(program, page, busbar, logs, shots=None):
    busbar = str(pathlib.Path(busbar).resolve())
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        browser = Browser(program, folder / "profile")
        try:
            browser.page(pathlib.Path(page).resolve().as_uri())
            browser.size(1100, 900)
            browser.shot(shots, "empty")
            found = sorted(path for path in pathlib.Path(logs).resolve().rglob("*") if path.is_file())
            check(found, f"no logs in {logs}")
            for log in found:
                for settings, options in SETTINGS:
                    compare(browser, busbar, log, settings, options)
                browser.shot(shots, f"desktop-{log.stem}")
            print(f"{len(found)} logs x {len(SETTINGS)} settings: as busbar lint, to the byte")

            # What is no log is told, and nothing else is.
            nothing = folder / "nothing.txt"
            nothing.write_text("this is no log\nof any bus\n")
            compare(browser, busbar, nothing, {}, [])
            check("nothing.txt" in browser.evaluate("by('said').textContent"), "what is no log is not told")

            title = browser.evaluate("document.title")
            evil = folder / f"{ATTACK}.log"
            evil.write_text(hostile())
            compare(browser, busbar, evil, {}, [])
            shown = browser.evaluate("by('result').textContent")
            check(ATTACK in shown and "<b>bold<" in shown, f"the names are not shown: {shown}")
            check(browser.evaluate("document.querySelectorAll('img, b, iframe').length") == 0, "a name became markup")
            time.sleep(0.2)
            check(browser.evaluate("document.title") == title, "a name ran as a script")

            # A phone, and no mouse.
            browser.size(360, 740)
            browser.give(found[-1])
            wide = browser.evaluate("document.documentElement.scrollWidth")
            check(wide <= 360, f"the page is {wide} wide on a phone of 360")
            browser.shot(shots, "phone")
            browser.size(360, 740, dark=True)
            browser.shot(shots, "phone-dark")
            browser.size(1100, 900, dark=True)
            browser.shot(shots, "dark")
            browser.evaluate("by('file').focus()")
            order = [browser.tab() for _ in range(5)]
            check(order == ["cells", "chemistry", "certify", "strict", "save"], f"Tab goes over {order}")

            big = folder / "large.log"
            large(big)
            took, pause = compare(browser, busbar, big, {}, [])
            print(f"{big.stat().st_size / 1e6:.0f} MB: {took:.2f} s, the page stood still for {pause:.0f} ms at most")
            # On a quiet machine 0.3 s and 3 s; one that others use as well may take some times as long.
            check(pause < 2000, f"the page stood still for {pause:.0f} ms")
            check(took < 30, f"a log of 50 MB took {took:.1f} s")

            told = [event["params"]["entry"]["text"] for event in browser.events if event.get("method") == "Log.entryAdded"]
            check(not told, f"the page had errors: {told}")
            asked = [event["params"]["request"]["url"] for event in browser.events if event.get("method") == "Network.requestWillBeSent"]
            away = [url for url in asked if not url.startswith(("file:", "blob:", "data:"))]
            check(not away, f"the page asked a network: {away}")
        finally:
            browser.process.terminate()
            browser.process.wait()


main(*sys.argv[1:])
