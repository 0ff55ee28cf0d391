"""The kernel's side of the differential test: what commanded.cc does, with Linux's sockets."""
import selectors
import socket

ECHO, DISCARD, UNREAD, NAGLE, CONTROL = 7, 9, 10, 11, 12
LONG_TEXT = b"x" * 5000

# What makes the kernel comparable: settings that weir has the same, or that turn off what weir does not have.
SYSCTLS = {
    "net.ipv4.tcp_ecn": 0,
    "net.ipv4.tcp_sack": 0,
    "net.ipv4.tcp_fastopen": 0,
    "net.ipv4.tcp_syncookies": 0,
    "net.ipv4.tcp_max_syn_backlog": 4096,
    # No tail loss probes: timers are another test's matter.
    "net.ipv4.tcp_early_retrans": 0,
    "net.ipv4.tcp_no_metrics_save": 1,
}


class KernelServer:
    """Sockets in a namespace, served by the test's own event loop."""

    def __init__(self, network, selector):
        self.selector = selector
        self.connections = {}
        self.sockets = []
        for family in (socket.AF_INET, socket.AF_INET6):
            for port in (ECHO, DISCARD, UNREAD, NAGLE):
                self._listen(network, family, port)

    def _listen(self, network, family, port):
        listener = network.socket(family)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        # The window scale that weir has from its default receive buffer.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_WINDOW_CLAMP, 262144)
        listener.bind(("", port))
        listener.listen(1024)
        listener.setblocking(False)
        self.sockets.append(listener)
        self.selector.register(listener, selectors.EVENT_READ, lambda: self._accept(listener, port))

    def _accept(self, listener, port):
        try:
            connection, peer = listener.accept()
        except OSError:
            return  # gone again
        connection.setblocking(False)
        # Delayed acknowledgements from the first segment on, as weir has them.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, port != NAGLE)
        # A stream without holes, as the RFC means urgent text.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
        self.connections[peer[1]] = connection
        self.sockets.append(connection)
        if port != UNREAD:
            self._read_on(connection, port)

    def _read_on(self, connection, port):
        self.selector.register(connection, selectors.EVENT_READ, lambda: self._readable(connection, port))

    def _readable(self, connection, port):
        try:
            text = connection.recv(1 << 16)
            if text and port == ECHO:
                connection.send(text)
        except BlockingIOError:
            return
        except OSError:
            text = b""
        if not text:
            self.selector.unregister(connection)
            if port == ECHO:
                connection.close()

    def command(self, letter, port):
        """Acts on the connection from the peer's port; False if there is none any more."""
        try:
            self._do(letter, self.connections[port])
        except (KeyError, OSError):
            return False
        return True

    def _do(self, letter, connection):
        if letter in "ca":
            if connection in self.selector.get_map():
                self.selector.unregister(connection)
            if letter == "a":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection.close()
        elif letter == "f":
            connection.shutdown(socket.SHUT_WR)
        elif letter == "r":
            self._read_on(connection, UNREAD)
        else:
            connection.send(LONG_TEXT if letter == "b" else LONG_TEXT[:5])

    def close(self):
        for each in self.sockets:
            each.close()
