"""Receive queues for SYNs alone: the virtual devices cannot tell SYNs apart, which must hurt nobody."""
import subprocess

import pytest

from carriers import on_every_carrier
from network import SERVER4, SERVER6
from server import PATIENCE_S

# What each driver says to the rule (DPDK 22.11).
REFUSALS = {"net_tap": "item not supported: Operation not supported", "net_af": "Function not implemented"}


@on_every_carrier
@pytest.mark.parametrize("choice, said", [("auto", ", syn queue no ("), ("off", ", syn queue no; link ")])
def test_a_device_that_cannot_is_served_as_ever(start, network, choice, said):
    server = start("weir-echo", "--set", f"port.0.syn_queue={choice}")
    assert said in server.log()
    for address in (SERVER4, SERVER6):
        with network.connect(7, address) as client:
            client.sendall(b"as ever")
            assert client.recv(100) == b"as ever"


@on_every_carrier
def test_who_insists_is_told_why_not(network, programs, carrier):
    ended = subprocess.run(
        network.command(programs / "weir-echo", f"--device={carrier.device}", f"--address={SERVER4}/24",
                        "--set", "eal.huge_pages=off", "--set", f"eal.file_prefix={network.name}",
                        "--set", "port.0.syn_queue=on"),
        capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert ended.returncode == 1, ended.stderr
    reason = next(text for driver, text in REFUSALS.items() if carrier.device.startswith(driver))
    assert f'port.syn_queue = "on": port port0: the device does not take SYN rules: {reason}' in ended.stderr
