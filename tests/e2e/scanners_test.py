"""nmap and hping3 against the server: what they find is what RFC 9293 3.10.7 has them find, and nothing breaks."""
import concurrent.futures
import re
import socket
import subprocess
import xml.etree.ElementTree

import pytest

import frames
from network import SERVER4, SERVER6

ECHO, CLOSED = 7, 8
BOTH = pytest.mark.parametrize("address", [SERVER4, SERVER6])
# For one run of a tool; reached only when something is broken.
PATIENCE_S = 120


def assert_serves(network, address=SERVER4):
    with network.connect(ECHO, address) as client:
        client.sendall(b"still here?")
        assert client.recv(100) == b"still here?"


def scan(network, address, *options):
    """nmap's report as XML. No name resolution; as many tries as nmap likes, for a slow machine."""
    family = ["-6"] if ":" in address else []
    return network.run("nmap", *family, "-n", "-T4", "-oX", "-", *options, address, timeout=PATIENCE_S)


def port_states(report):
    ports = xml.etree.ElementTree.fromstring(report).iter("port")
    return {int(port.get("portid")): port.find("state").get("state") for port in ports}


# (scan, the port that listens, all others). LISTEN answers SYN by SYN-ACK, ACK by RST, and ignores all else (3.10.7.2);
# CLOSED answers everything but RST by RST (3.10.7.1). -sW takes a window in the RST for an open port: there is none.
SCANS = [("-sS", "open", "closed"), ("-sX", "open|filtered", "closed"), ("-sN", "open|filtered", "closed"),
         ("-sF", "open|filtered", "closed"), ("-sA", "unfiltered", "unfiltered"), ("-sW", "closed", "closed")]


@BOTH
def test_a_port_scan_finds_what_there_is(start, network, address):
    start("weir-echo")
    for kind, listening, others in SCANS:
        states = port_states(scan(network, address, kind, "-p", "1-20"))
        assert states == {port: listening if port == ECHO else others for port in range(1, 21)}, f"nmap {kind}"
        assert_serves(network, address)


# What nmap's probes get, in the fields of its fingerprint: R answered, S and A the answer's sequence and
# acknowledgement numbers (Z is 0, A the probe's acknowledgement, S+ one more than its sequence number), F the flags, W
# the window.
FINGERPRINT = {
    "T1": "R=Y S=O A=S+ F=AS",        # SYN to the open port
    "T2": "R=N",                      # no flags
    "T3": "R=N",                      # SYN, FIN, URG and PSH
    "T4": "R=Y S=A A=Z F=R W=0",      # ACK
    "T5": "R=Y S=Z A=S+ F=AR W=0",    # SYN to the closed port
    "T6": "R=Y S=A A=Z F=R W=0",      # ACK to the closed port
    "T7": "R=Y S=Z A=S+ F=AR W=0",    # FIN, PSH and URG to the closed port
    "ECN": "R=Y CC=N",                # SYN with ECE, CWR and a reserved bit: no ECN yet
    "IE": "R=Y",                      # pings with odd codes
}


def test_operating_system_detection_sees_the_answers_of_the_rfc(start, network):
    server = start("weir-echo")
    report = scan(network, SERVER4, "-O", "-d", "-p", f"{ECHO},{CLOSED}")
    text = xml.etree.ElementTree.fromstring(report).find(".//osfingerprint").get("fingerprint")
    lines = dict(re.findall(r"(\w+)\(([^)]*)\)", text.replace("\nOS:", "")))
    seen = {name: dict(field.partition("=")[::2] for field in lines[name].split("%")) for name in FINGERPRINT}
    expected = {name: dict(field.split("=") for field in fields.split()) for name, fields in FINGERPRINT.items()}
    assert {name: {field: seen[name].get(field) for field in fields} for name, fields in expected.items()} == expected
    # Initial sequence numbers that it cannot predict: their spread in eighths of a bit (random ones have about 250),
    # and the greatest common divisor of their steps (hosts that count have thousands).
    sequence = dict(field.split("=") for field in lines["SEQ"].split("%"))
    assert int(sequence["SP"], 16) > 200 and int(sequence["GCD"], 16) < 16
    assert_serves(network)
    assert server.counters()["DropTcpListenFlags"][0] > 0


def test_operating_system_detection_over_ipv6_harms_nothing(start, network):
    start("weir-echo")
    report = scan(network, SERVER6, "-O", "-d", "-p", f"{ECHO},{CLOSED}")
    assert port_states(report) == {ECHO: "open", CLOSED: "closed"}
    assert_serves(network, SERVER6)


# --- hping3

SEQ, ACK = 1000, 2000
SYN_ACK = ("SA", None, SEQ + 1)


def refused(length):
    """<SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>"""
    return "RA", 0, SEQ + length


RESET = ("R", ACK, 0)   # <SEQ=SEG.ACK><CTL=RST>

# (hping3's options, port, the only answer or None). Every frame has sequence number SEQ and acknowledgement number ACK.
ODDITIES = [
    # LISTEN, 3.10.7.2
    ("-S", ECHO, SYN_ACK), ("-S -P", ECHO, SYN_ACK), ("-S -U", ECHO, SYN_ACK), ("-S -X -Y", ECHO, SYN_ACK),
    ("-S -d 1000", ECHO, SYN_ACK), ("-S --tcp-timestamp", ECHO, SYN_ACK), ("-S --tcp-mss 1", ECHO, SYN_ACK),
    ("-S --tcp-mss 0", ECHO, SYN_ACK), ("-S -w 0", ECHO, SYN_ACK), ("-S -G", ECHO, SYN_ACK), ("-S -t 1", ECHO, SYN_ACK),
    ("-S -o 255", ECHO, SYN_ACK), ("", ECHO, None), ("-F", ECHO, None), ("-P", ECHO, None), ("-U", ECHO, None),
    ("-X", ECHO, None), ("-Y", ECHO, None), ("-F -P -U", ECHO, None), ("-d 100", ECHO, None), ("-S -F", ECHO, None),
    ("-S -R", ECHO, None), ("-R", ECHO, None), ("-R -A", ECHO, None), ("-F -S -R -P -A -U -X -Y", ECHO, None),
    ("-A", ECHO, RESET), ("-S -A", ECHO, RESET), ("-F -A", ECHO, RESET), ("-P -A -d 100", ECHO, RESET),
    # CLOSED, 3.10.7.1
    ("-S", CLOSED, refused(1)), ("-S -F", CLOSED, refused(2)), ("-S -d 100", CLOSED, refused(101)),
    ("", CLOSED, refused(0)), ("-F", CLOSED, refused(1)), ("-F -P -U", CLOSED, refused(1)),
    ("-X -Y", CLOSED, refused(0)), ("-A", CLOSED, RESET), ("-S -A", CLOSED, RESET), ("-A -d 100", CLOSED, RESET),
    ("-R", CLOSED, None), ("-R -A", CLOSED, None), ("-F -S -R -P -A -U -X -Y", CLOSED, None),
    # Not to be believed at all.
    ("-S -b", ECHO, None), ("-S -b", CLOSED, None), ("-S", 0, None), ("-A", 0, None), ("-S -O 0", ECHO, None),
    ("-S -O 1", ECHO, None), ("-S -O 4", ECHO, None), ("-S -O 6", ECHO, None), ("-S -O 15", ECHO, None),
    ("-S -O 15", CLOSED, None), ("-S -f -d 64", ECHO, None), ("-S -x", ECHO, None), ("-S -g 8", ECHO, None),
]
DROPS = ["DropTcpChecksum", "DropTcpHeader", "DropIpv4Fragment", "DropTcpPortZero", "DropTcpListenFlags",
         "DropTcpListenAck", "DropTcpNoConnection"]
FIRST_PORT = 30000
ETH_P_ALL = 3


def hping(network, *options):
    """Runs hping3; its status is 1 when nothing answered."""
    command = network.command("hping3", "-q", "-n", "-I", network.carrier.kernel_side, *options, SERVER4)
    result = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert result.returncode in (0, 1), f"{command}: {result.stderr}"


def read_capture(raw):
    """The ports that something was sent from, and {our port: [(flags, seq, ack)]} of all that came from the server."""
    sent, found = set(), {}
    while True:
        try:
            frame, where = raw.recvfrom(1 << 16)
        except BlockingIOError:
            return sent, found
        if frame[12:14] != b"\x08\0":
            continue
        packet = frames.read_packet(frame[14:], 4)
        if where[2] == socket.PACKET_OUTGOING:
            sent.add(int.from_bytes(packet.payload[:2], "big"))
        elif packet.protocol == frames.TCP and str(packet.source) == SERVER4:
            segment = packet.segment()
            assert packet.checksum_right
            found.setdefault(segment.destination_port, []).append((segment.flags, segment.seq, segment.ack))


def test_odd_segments_get_the_answer_of_the_rfc_or_none(start, network):
    server = start("weir-echo")
    assert_serves(network)   # and the neighbours know each other
    with network.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)) as raw:
        # All frames, or those that leave would not be seen.
        raw.bind((network.carrier.kernel_side, ETH_P_ALL))
        raw.setblocking(False)

        def send(number):
            options, port, _ = ODDITIES[number]
            hping(network, "-c", "1", "-M", str(SEQ), "-L", str(ACK), "-s", str(FIRST_PORT + number), "-k",
                  "-p", str(port), *options.split())

        # hping3 waits a second for an answer: several at once.
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            list(pool.map(send, range(len(ODDITIES))))
        # Whatever the server had to say to them it has said before this.
        assert_serves(network)
        sent, found = read_capture(raw)
    assert sent >= {FIRST_PORT + number for number in range(len(ODDITIES))}
    wrong = []
    for number, (options, port, expected) in enumerate(ODDITIES):
        seen = found.get(FIRST_PORT + number, [])
        if expected is not None and expected[1] is None:
            seen = [(flags, None, ack) for flags, _, ack in seen]
        if seen != ([] if expected is None else [expected]):
            wrong.append(f"hping3 {options} -p {port}: {seen} instead of {expected}")
    assert not wrong, "\n".join(wrong)
    counters = server.counters()
    assert not [name for name in DROPS if not sum(counters.get(name, [0]))]


# (what, options). Sent as fast as hping3 can at the given interval, a bounded number.
FLOODS = [
    ("SYNs whose SYN-ACKs are reset", ["-S", "-p", "7", "-c", "2000"]),
    ("ACKs of nothing", ["-A", "-p", "7", "-c", "2000"]),
    ("SYNs to a closed port", ["-S", "-p", "8", "-c", "2000"]),
    ("all flags", ["-F", "-S", "-R", "-P", "-A", "-U", "-X", "-Y", "-p", "7", "-c", "2000"]),
    ("fragments", ["-S", "-p", "7", "-x", "-d", "1000", "-c", "2000"]),
    ("wrong checksums", ["-S", "-b", "-p", "7", "-d", "500", "-c", "2000"]),
    # Nobody is there: these stay half-open, and are fewer than the backlog.
    ("SYNs of a host that is silent", ["-S", "-p", "7", "-a", "198.18.0.99", "-c", "500"]),
]


@pytest.mark.parametrize("options", [options for _, options in FLOODS], ids=[what for what, _ in FLOODS])
def test_a_client_is_served_during_and_after_a_burst_of(start, network, options):
    server = start("weir-echo", "--set", "drain.timeout_ms=500")
    assert_serves(network)
    before = server.counters()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        burst = pool.submit(hping, network, "-i", "u200", *options)
        while not burst.done():
            assert_serves(network)
        burst.result()
    assert_serves(network)
    sent = int(options[-1])
    counters = server.counters()
    assert counters["RxFrames"][0] - before["RxFrames"][0] > sent / 2, "the burst did not arrive"
    # Resets are limited (ip.rst_rate_per_s); whatever was sent was an answer, never more.
    assert counters.get("TcpResetsSent", [0])[0] <= sent
