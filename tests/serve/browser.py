"""Clicks through the page of `filmgate serve` in a real browser, by the Chrome DevTools protocol.

browser.py BROWSER ADDRESS PLUGIN.wasm SCREENSHOTS: prints what was seen, as JSON.
"""

import base64
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

from websocket import create_connection

browser, address, plugin, shots = sys.argv[1:5]


class Page:
    """A tab, by its socket."""

    def __init__(self, port):
        request = urllib.request.Request(f"http://127.0.0.1:{port}/json/new?about:blank", method="PUT")
        target = json.load(urllib.request.urlopen(request))
        self.socket = create_connection(target["webSocketDebuggerUrl"], suppress_origin=True, timeout=60)
        self.number = 0
        self.complaints = []

    def ask(self, method, **parameters):
        self.number += 1
        self.socket.send(json.dumps({"id": self.number, "method": method, "params": parameters}))
        while True:
            said = json.loads(self.socket.recv())
            if said.get("method") == "Log.entryAdded":
                self.complaints.append(said["params"]["entry"]["text"])
            if said.get("method") == "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(said["params"]["exceptionDetails"]))
            if said.get("id") == self.number:
                if "error" in said:
                    raise RuntimeError(f"{method}: {said['error']}")
                return said["result"]

    def run(self, code):
        result = self.ask("Runtime.evaluate", expression=code, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError(f"{code}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def wait(self, what, code, seconds=30):
        until = time.time() + seconds
        while time.time() < until:
            value = self.run(code)
            if value:
                return value
            time.sleep(0.05)
        text = self.run("document.body.innerText")
        raise RuntimeError(f"waited for {what} in vain: {value!r}\n{text}\n{self.complaints}")

    def shot(self, name):
        picture = self.ask("Page.captureScreenshot", format="png")["data"]
        with open(f"{shots}/{name}.png", "wb") as file:
            file.write(base64.b64decode(picture))


# The color in the middle of the picture: [red, green, blue].
MIDDLE = """(() => {
  const shown = document.querySelector('#screen > *');
  const width = shown?.videoWidth || shown?.naturalWidth || shown?.width;
  if (!width) return null;
  const height = shown.videoHeight || shown.naturalHeight || shown.height;
  const canvas = document.createElement('canvas');
  canvas.width = width; canvas.height = height;
  const context = canvas.getContext('2d');
  context.drawImage(shown, 0, 0, width, height);
  return [...context.getImageData(width >> 1, height >> 1, 1, 1).data].slice(0, 3);
})()"""


def near(color):
    tests = " && ".join(f"Math.abs(c[{i}] - {value}) < 40" for i, value in enumerate(color))
    return f"(() => {{ const c = {MIDDLE}; return c && {tests} && c; }})()"


RED, CYAN = (254, 0, 0), (0, 254, 254)

DROP = """(async (name, text) => {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], name));
  document.querySelector('#drop').dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));
})"""


def drop(page, name, content):
    text = base64.b64encode(content).decode()
    page.run(f"{DROP}({json.dumps(name)}, {json.dumps(text)})")


def scenario(page, seen):
    page.ask("Page.enable")
    page.ask("Runtime.enable")
    page.ask("Log.enable")
    page.ask("Emulation.setDeviceMetricsOverride", width=1280, height=800, deviceScaleFactor=1, mobile=False)
    page.ask("Page.navigate", url=address)
    latency = "/^[0-9]+ ms$/.test(document.querySelector('#latency')?.textContent) && document.querySelector('#latency').textContent"
    for transport in ("webcodecs", "mse", "mjpeg"):
        page.wait("the choice of transports", "document.querySelector('#transport')?.options.length")
        page.run(
            "(() => { const choice = document.querySelector('#transport');"
            f" choice.value = '{transport}'; choice.dispatchEvent(new Event('change')); }})()"
        )
        seen[transport] = {"color": page.wait(f"red by {transport}", near(RED))}
        if transport != "mjpeg":
            seen[transport]["latency"] = page.wait(f"latency of {transport}", latency)
    page.run(
        "(() => { const choice = document.querySelector('#transport');"
        " choice.selectedIndex = 0; choice.dispatchEvent(new Event('change')); })()"
    )
    page.wait("red again", near(RED))
    page.wait("the catalog", "[...document.querySelector('#catalog').options].some((o) => o.value === 'invert')")
    page.run("document.querySelector('#catalog').value = 'invert'; document.querySelector('#add button').click()")
    begun = time.time()
    seen["inverted"] = page.wait("the plugin that was added", near(CYAN))
    seen["inverted_after"] = time.time() - begun
    page.wait("the plugin's entry", "document.querySelector('#chain .title strong')?.textContent.startsWith('invert')")
    page.shot("live")

    page.run("document.querySelector('#chain [aria-label=\"Remove invert\"]').click()")
    page.wait("red after the removal", near(RED))

    page.run("document.querySelector('#catalog').value = 'adjust'; document.querySelector('#add button').click()")
    page.wait("the form", "!!document.querySelector('#chain [data-name=saturation]')")
    page.run(
        "(() => { const field = document.querySelector('#chain [data-name=saturation]');"
        " field.value = field.min || '0'; field.dispatchEvent(new Event('input'));"
        " field.dispatchEvent(new Event('change')); })()"
    )
    begun = time.time()
    gray = f"(() => {{ const c = {MIDDLE}; return c && Math.max(...c) - Math.min(...c) < 12 && c; }})()"
    seen["gray"] = page.wait("the parameter that was changed", gray)
    seen["gray_after"] = time.time() - begun
    page.run("document.querySelector('#chain [aria-label=\"Remove adjust\"]').click()")
    page.wait("red after the second removal", near(RED))

    with open(plugin, "rb") as file:
        content = file.read()
    drop(page, "broken.wasm", content[:1000])
    seen["refused"] = page.wait(
        "the refusal", "document.querySelector('#checked').textContent.includes('is refused') && document.querySelector('#checked').textContent"
    )
    seen["after_refusal"] = page.wait("the old chain", near(RED))
    drop(page, "mine.wasm", content)
    seen["dropped"] = page.wait("the dropped plugin", near(CYAN))
    seen["checked"] = page.run("document.querySelector('#checked').textContent")
    page.complaints = [text for text in page.complaints if "400 (Bad Request)" not in text]

    page.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    seen["dark"] = page.run("getComputedStyle(document.body).backgroundColor")
    page.shot("dark")
    page.ask("Emulation.setDeviceMetricsOverride", width=360, height=740, deviceScaleFactor=2, mobile=True)
    page.wait("the picture on a phone", near(CYAN))
    seen["too_wide"] = page.run("document.documentElement.scrollWidth - innerWidth")
    page.shot("phone")
    seen["unnamed"] = page.run(
        "[...document.querySelectorAll('button, input, select')].filter((e) => !(e.textContent.trim()"
        " || e.ariaLabel || e.labels?.length)).map((e) => e.outerHTML)"
    )
    page.ask("Emulation.clearDeviceMetricsOverride")
    page.run("document.querySelector('[data-view=segments]').click()")
    seen["segments"] = page.wait("the segments", "document.querySelector('#segment-rows')?.innerText")
    page.run("document.querySelector('[data-view=jobs]').click()")
    page.wait("the jobs", "!document.querySelector('#jobs').hidden")
    seen["complaints"] = page.complaints


with tempfile.TemporaryDirectory() as folder:
    arguments = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0", f"--user-data-dir={folder}", "about:blank"]
    process = subprocess.Popen(
        arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        for line in process.stderr:
            found = re.search(r"ws://[^:]+:(\d+)/", line)
            if found:
                break
        else:
            raise RuntimeError("the browser does not start")
        seen = {}
        scenario(Page(int(found[1])), seen)
        print(json.dumps(seen))
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
