"""The same scripted peer talks to weir and to Linux; their answers are compared field by field.

`python3 -m pytest tests/e2e/differential_test.py -s` prints what differs and is not listed in differences.py.
"""
import collections
import ipaddress
import os
import pathlib
import re
import selectors

import pytest

import probes_closing  # noqa: F401, they fill the list
import probes_established  # noqa: F401
import probes_handshake  # noqa: F401
import probes_icmp  # noqa: F401
from conftest import CARRIERS
from differences import ALLOWED
from kernel_server import CONTROL, SYSCTLS, KernelServer
from network import KERNEL4, KERNEL6, SERVER4, SERVER6, Network
from peer import Peer
from probes import PROBES
from talk import MORE

# Longer than the delayed acknowledgement of both stacks (40 ms) and shorter than any retransmission, also over the few
# steps that a script may spend in SYN-RECEIVED. What differs is asked again with more patience.
STEP_S, STEP_AGAIN_S = 0.12, 0.25
# Conversations side by side; few when it is asked again, so that they do not keep each other waiting.
TOGETHER, TOGETHER_AGAIN = 64, 16
WEIR_SETTINGS = [
    # No retransmission while we wait. Linux has no knob for that of a SYN-ACK, which comes after a second.
    "--set", "tcp.rto_initial_ms=3000",
    "--set", "tcp.rto_min_ms=3000",
    "--set", "drain.timeout_ms=500",
    # As the kernel's twin: while cookies are believed a stray acknowledgement gets no RST, and one that is none opens.
    "--set", "tcp.syn_cookies=off",
    # The peer does things that are limited in earnest.
    "--set", "ip.rst_rate_per_s=100000",
    "--set", "ip.icmp_rate_per_s=100000",
]
FIRST_PORT = 20000


class Target:
    """A stack under test, and the peer that talks to it."""

    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.addresses = {version: network.hosts() for version, network in MORE.items()}

    def run(self, probes, wait_s, together, first_port):
        scripts = []
        for number, probe in enumerate(probes):
            for version in probe.versions:
                own = next(self.addresses[version]) if probe.own_address else None
                scripts.append((f"{probe.name} (IPv{version})", probe.script, version, probe.port,
                                first_port + 2 * number + (version == 6), own))
        return self.peer.run(scripts, wait_s, together)


class Weir(Target):
    def __init__(self, network, interface):
        super().__init__()
        self.control = network.connect(CONTROL)
        servers = {4: ipaddress.ip_address(SERVER4), 6: ipaddress.ip_address(SERVER6)}
        self.peer = Peer(network, interface, servers, self.selector, self._command)
        self.peer.find_servers()

    def _command(self, letter, port):
        self.control.sendall(letter.encode() + port.to_bytes(2, "big"))
        return self.control.recv(1) == b"+"

    def close(self):
        self.peer.close()
        self.control.close()


class Kernel(Target):
    def __init__(self, network):
        super().__init__()
        for name, value in SYSCTLS.items():
            network.run("sysctl", "-q", "-w", f"{name}={value}")
        # As in WEIR_SETTINGS.
        network.run("ip", "route", "replace", "198.18.0.0/24", "dev", "v1", "rto_min", "3s")
        network.run("ip", "-6", "route", "replace", "2001:2::/64", "dev", "v1", "rto_min", "3s", "metric", "1")
        self.server = KernelServer(network, self.selector)
        servers = {4: ipaddress.ip_address(KERNEL4), 6: ipaddress.ip_address(KERNEL6)}
        self.peer = Peer(network, "v0", servers, self.selector, self.server.command)
        self.peer.find_servers()

    def close(self):
        self.peer.close()
        self.server.close()


@pytest.fixture
def targets(start, network):
    """weir on the carrier under test, and the kernel on a veth pair in a namespace of its own."""
    start(pathlib.Path(os.environ["WEIR_BUILD_DIR"]) / "tests/e2e/weir-commanded", *WEIR_SETTINGS)
    weir = Weir(network, network.carrier.kernel_side)
    with Network(CARRIERS["af_packet"]) as other:
        kernel = Kernel(other)
        yield weir, kernel
        kernel.close()
    weir.close()


PURE_ACK = re.compile(r"A seq=\d+ (ack=\S+)( <nop nop ts ecr=\S+>)?")


def show(lines):
    """A step's answers as one text, without two things that depend on the moment and are free:

    An acknowledgement alone right before text or FIN with the same is left out: whether it waits for company is the
    receiver's choice (RFC 9293 3.8.6.3), and Linux's depends on when the application wakes up. PSH before further text
    is left out: it says where a send ended (RFC 9293 3.9.1.2), and Linux also sets it where a buffer did.
    """
    kept = []
    for line in lines:
        if kept and ("len=" in line or line.startswith("F")):
            if (alone := PURE_ACK.fullmatch(kept[-1])) and f" {alone[1]} " in line + " ":
                kept.pop()
            elif kept[-1].startswith("PA ") and "len=" in line:
                kept[-1] = kept[-1][1:]
        kept.append(line)
    return "; ".join(kept) or "silence"


def find_differences(weir, kernel):
    """{(probe, step): (what was done, Linux's answers, weir's)} of what is not the same."""
    found = {}
    for name, steps in kernel.items():
        for number in range(max(len(steps), len(weir[name]))):
            theirs = steps[number] if number < len(steps) else ("-", ["the script had ended"])
            ours = weir[name][number] if number < len(weir[name]) else ("-", ["the script had ended"])
            if theirs[0] != ours[0] or show(theirs[1]) != show(ours[1]):
                found[name, number] = (theirs[0] if theirs[0] == ours[0] else f"{theirs[0]} | {ours[0]}",
                                       show(theirs[1]), show(ours[1]))
    return found


def explained(name, linux, ours):
    """The entries of the table that allow this difference."""
    return [entry for entry in ALLOWED if entry.allows(name.rpartition(" (")[0], linux, ours)]


@pytest.mark.parametrize("carrier", ["tap", "af_xdp"], indirect=True)
def test_answers_are_those_of_linux_but_for_what_is_listed(targets):
    weir, kernel = targets
    probes, wait_s, together, port = PROBES, STEP_S, TOGETHER, FIRST_PORT
    used, unexplained = collections.Counter(), {}
    for attempt in range(4):
        results = [target.run(probes, wait_s, together, port) for target in (kernel, weir)]
        port += 2 * len(PROBES)
        found = find_differences(results[1], results[0])
        unexplained = {}
        for (name, step), (done, linux, ours) in found.items():
            entries = explained(name, linux, ours)
            used.update(entries)
            if not entries:
                unexplained[name, step] = (done, linux, ours)
        if attempt == 0:
            print(f"{len(results[0])} conversations, {sum(map(len, results[0].values()))} steps, {len(found)} differ, "
                  f"{len(unexplained)} of them not listed")
        stale = [entry for entry in ALLOWED if not used[entry]]
        again = {name.rpartition(" (")[0] for name, _ in unexplained}
        again |= {probe.name for probe in PROBES for entry in stale if entry.names(probe.name)}
        if not again:
            break
        probes = [probe for probe in PROBES if probe.name in again]
        wait_s, together = STEP_AGAIN_S, TOGETHER_AGAIN
    text = "\n".join(f"{name}, step {step}: {done}\n    Linux: {linux}\n    weir:  {ours}"
                     for (name, step), (done, linux, ours) in unexplained.items())
    assert not unexplained, f"{len(unexplained)} differences that differences.py does not list:\n{text}"
    assert not stale, "listed in differences.py, but no longer seen:\n" + "\n".join(map(str, stale))
