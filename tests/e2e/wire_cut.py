"""A TCP proxy whose wire can be cut: silently, so that nobody is told, or with a reset."""

import contextlib
import selectors
import socket
import struct
import threading


class Wire:
    """What goes to `authority` over `address` arrives, until it is cut."""

    def __init__(self, authority):
        host, port = authority.rsplit(":", 1)
        self._target = (host.strip("[]"), int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self._listener.getsockname()[1]
        self._whole = threading.Event()
        self._whole.set()
        self._open = set()
        self._closed = False
        threading.Thread(target=self._accept, daemon=True).start()

    def silence(self):
        """From now on nothing arrives, on connections old and new, and nobody is told."""
        self._whole.clear()

    def reset(self):
        """Ends every connection with a reset; new ones work."""
        for end in list(self._open):
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.shutdown(socket.SHUT_RDWR)

    def heal(self):
        """What is sent from now on arrives. Connections that were silent are lost, as after a long partition."""
        self.reset()
        self._whole.set()

    def close(self):
        self._closed = True
        self._listener.close()
        self.reset()

    def _accept(self):
        while not self._closed:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def _carry(self, near):
        with near, contextlib.suppress(OSError):
            # A new connection through a cut wire hangs, as one through a firewall that drops.
            self._whole.wait()
            with socket.create_connection(self._target) as far:
                ends = {near: far, far: near}
                self._open |= ends.keys()
                try:
                    with selectors.DefaultSelector() as ready:
                        for end in ends:
                            ready.register(end, selectors.EVENT_READ)
                        while True:
                            for key, _ in ready.select():
                                data = key.fileobj.recv(65536)
                                self._whole.wait()
                                if not data:
                                    return
                                ends[key.fileobj].sendall(data)
                finally:
                    self._open -= ends.keys()


@contextlib.contextmanager
def wire(authority):
    made = Wire(authority)
    try:
        yield made
    finally:
        made.close()
