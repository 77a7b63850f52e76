"""Plays a film in headless Chromium, and prints what the page told: `browser.py BROWSER FILM FOLDER`."""

import http.server
import os
import pathlib
import signal
import subprocess
import sys
import threading
import urllib.parse

browser, film, folder = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])

PAGE = """<video src=film muted></video><script>
const video = document.querySelector('video');
const tell = what => fetch('/told?' + encodeURIComponent(what));
video.onerror = () => tell('error ' + video.error.message);
video.onended = () => tell(`played ${video.videoWidth}x${video.videoHeight}, \
${video.getVideoPlaybackQuality().totalVideoFrames} pictures`);
video.play().catch(error => tell('refused ' + error));
</script>"""

told, done = [], threading.Event()


class Server(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith("/told?"):
            told.append(urllib.parse.unquote(self.path[6:]))
            done.set()
        page = self.path == "/"
        body = PAGE.encode() if page else film.read_bytes() if self.path == "/film" else b""
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", "text/html" if page else "video/mp4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0",
           "--autoplay-policy=no-user-gesture-required", f"--user-data-dir={folder / 'profile'}",
           f"http://127.0.0.1:{server.server_port}/"]  # fmt: skip
# In a session of its own: Debian's chromium is a script whose children outlive it.
child = subprocess.Popen(
    command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
)
done.wait(60)
os.killpg(child.pid, signal.SIGKILL)
child.wait()
print(*told)
