"""A web server to stand beside a program, which counts the connections that it accepts."""
import http.server
import os
import tempfile
import threading


class Server:
    """Python's own server, with keep-alive, over a folder of its own with these files, {name: bytes}.

    It answers nobody until `connections` have come, so that no worker is done before the last has
    started, and breaks off what comes after `requests`. Left, it is dead: it listens no more."""

    def __init__(self, files, connections, requests=10**9):
        self.files, self.connections, self.requests = files, connections, requests
        self.accepted = self.answered = 0
        self.lock = threading.Lock()
        self.all_came = threading.Event()

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        for name, content in self.files.items():
            path = os.path.join(self.folder.name, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(content)
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handle)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.05,))
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()
        self.folder.cleanup()

    def accept(self):
        with self.lock:
            self.accepted += 1
            if self.accepted >= self.connections:
                self.all_came.set()
        self.all_came.wait(20)

    def may_answer(self):
        with self.lock:
            self.answered += 1
            return self.answered <= self.requests

    def handle(self, *arguments):
        return Handler(self, *arguments, directory=self.folder.name)


class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __init__(self, owner, *arguments, **named):
        self.owner = owner
        super().__init__(*arguments, **named)

    def setup(self):
        super().setup()
        self.owner.accept()

    def do_GET(self):
        if self.owner.may_answer():
            super().do_GET()
        else:
            self.close_connection = True

    def log_message(self, *_):
        pass
