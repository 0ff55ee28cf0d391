"""A network namespace per test, joined to a server by a TAP or a veth pair, and sockets inside it."""
import contextlib
import ctypes
import dataclasses
import itertools
import os
import pathlib
import socket
import subprocess

NETNS = pathlib.Path(__file__).resolve().parents[2] / "scripts/netns"
CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)
_numbers = itertools.count()

KERNEL4, KERNEL6 = "198.18.0.1", "2001:2::1"
SERVER4, SERVER6 = "198.18.0.2", "2001:2::2"


@dataclasses.dataclass(frozen=True)
class Carrier:
    kind: str          # tap, veth or memif
    device: str        # the server's --device
    kernel_side: str   # the interface that the kernel's addresses go to


def run(*command, **options):
    """Runs a command to its end; its output is in the exception if it fails."""
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **options)
    assert result.returncode == 0, f"{' '.join(map(str, command))}: {result.returncode}\n{result.stdout}{result.stderr}"
    return result.stdout


class Network:
    """`with Network(carrier) as network:` makes the namespace and takes it away."""

    def __init__(self, carrier):
        self.carrier = carrier
        self.name = f"weir-e2e-{os.getpid()}-{next(_numbers)}"

    def __enter__(self):
        run(NETNS, "up", self.name, *(["--tap"] if self.carrier.kind == "tap" else []))
        return self

    def __exit__(self, *_):
        run(NETNS, "down", self.name)

    def command(self, *command):
        """The command line that runs `command` inside."""
        return ["ip", "netns", "exec", self.name, *map(str, command)]

    def run(self, *command, **options):
        return run(*self.command(*command), **options)

    def give_addresses(self):
        """To the kernel's end of a TAP, which exists only once the server runs."""
        if self.carrier.kind == "tap":
            run(NETNS, "address", self.name, self.carrier.kernel_side)

    @contextlib.contextmanager
    def inside(self):
        """Sockets made by this thread in here belong to the namespace, also afterwards."""
        with open("/proc/thread-self/ns/net") as outside, open(f"/run/netns/{self.name}") as there:
            self._enter(there)
            try:
                yield
            finally:
                self._enter(outside)

    @staticmethod
    def _enter(namespace):
        if _libc.setns(namespace.fileno(), CLONE_NEWNET) != 0:
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error))

    def socket(self, family=socket.AF_INET, kind=socket.SOCK_STREAM, protocol=0):
        with self.inside():
            return socket.socket(family, kind, protocol)

    def connect(self, port, address=SERVER4, timeout=20):
        """A connected TCP socket whose every call fails after `timeout` seconds."""
        made = self.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        made.settimeout(timeout)
        try:
            made.connect((address, port))
        except OSError:
            made.close()
            raise
        return made
