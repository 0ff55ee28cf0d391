"""weir-flood against weir-echo over memif: what it reports, when it stops, what it refuses."""
import json
import os
import signal
import subprocess
import tempfile

import pytest

from server import SUPPRESSIONS, parse_counters, wait_until

ALLOWED = ["--i-control-this-lab", "--rate-cap=20k", "--duration=300"]
# Short, gentle, and patient: this machine may be busy with other things.
QUICK = ["--step=1", "--baseline=1", "--recovery=1", "--legit-rate=50", "--deadline-ms=30000", "--established=4",
         "--established-rate=50", "--link-wait=60"]


class Bed:
    """Two processes on the ends of a memif: the tester, which listens, and a server."""

    def __init__(self, programs, directory):
        self.programs, self.directory = programs, directory
        # A socket's path has 107 characters at most, and pytest's directories are deep.
        self.sockets = tempfile.TemporaryDirectory(prefix="weir-flood-")
        self.processes = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait()
        self.sockets.cleanup()

    def device(self, role):
        return f"net_memif0,role={role},socket={self.sockets.name}/s,socket-abstract=no"

    def start(self, program, *arguments):
        process = subprocess.Popen([self.programs / program, *arguments], stdin=subprocess.DEVNULL,
                                   stdout=self.log(program).open("wb"), stderr=subprocess.STDOUT,
                                   env=dict(os.environ, LSAN_OPTIONS=f"suppressions={SUPPRESSIONS}"))
        self.processes.append(process)
        return process

    def log(self, program):
        return self.directory / f"{program}.log"

    def text(self, program):
        return self.log(program).read_text(errors="replace")

    def flood(self, *arguments):
        flood = self.start("weir-flood", f"--device={self.device('server')}", "--huge_pages=false",
                           f"--file-prefix=flood{os.getpid()}", f"--json={self.directory}/report.json",
                           f"--svg={self.directory}/plot.svg", *ALLOWED, *QUICK, *arguments)
        wait_until(lambda: os.path.exists(f"{self.sockets.name}/s") or flood.poll() is not None, "the tester to listen")
        assert flood.poll() is None, self.text("weir-flood")
        return flood

    def echo(self):
        server = self.start("weir-echo", f"--device={self.device('client')}", "--idle=sleep",
                            "--address=198.18.0.2/24,2001:2::2/64", "--gateway=198.18.0.1,2001:2::1",
                            "--set", "eal.huge_pages=off", "--set", f"eal.file_prefix=echo{os.getpid()}",
                            "--set", "ip.dad=false", "--set", "counters.print_on_exit=true",
                            "--set", "tcp.syn_cookies=auto")
        wait_until(lambda: "weir: ready" in self.text("weir-echo") or server.poll() is not None, "the server")
        return server

    def stop_echo(self, server):
        """The server's counters; it must have leaked nothing."""
        server.send_signal(signal.SIGTERM)
        assert server.wait(60) == 0, self.text("weir-echo")
        assert "leaks: connections=0 flights=0 kept_buffers=0 packets=0" in self.text("weir-echo")
        return {name: sum(values) for name, values in parse_counters(self.text("weir-echo")).items()}

    def report(self):
        return json.loads((self.directory / "report.json").read_text())


@pytest.fixture
def bed(programs, tmp_path):
    with Bed(programs, tmp_path) as made:
        yield made


# What a machine that does other things as well may do to figures; the counts are right all the same.
DISTURBANCES = ("core was taken away", "was busy for", "too late for", "were begun late", "device dropped")


@pytest.mark.parametrize("target,modes", [("198.18.0.2:7", "syn,ack-text,connect"),
                                          ("[2001:2::2]:7", "syn,slowloris,icmp-too-big")])
def test_honest_clients_are_all_served_beside_a_gentle_flood(bed, target, modes):
    flood = bed.flood(f"--target={target}", f"--mode={modes}", "--rate=2000",
                      "--criteria=success>=1,corrupt<=0,resets<=0")
    server = bed.echo()
    status = flood.wait(120)
    counters = bed.stop_echo(server)
    said = bed.text("weir-flood")
    report = bed.report()
    assert report["schema"] == 1 and report["exit_status"] == status
    steps = {step["phase"]: step for step in report["steps"]}
    judged = not steps["flood"]["invalid"]
    assert [(one["judged"], one["passed"]) for one in report["criteria"]] == [(judged, judged)] * 3, said
    metrics = steps["flood"]["metrics"]
    assert (metrics["success"], metrics["corrupt"], metrics["resets"]) == (1, 0, 0), said
    assert list(steps) == ["baseline", "ceiling", "flood", "recovery"]
    reasons = report["invalid"] + [why for step in report["steps"] for why in step["invalid"]]
    assert status == (2 if reasons else 0), said
    assert all(any(word in why for word in DISTURBANCES) for why in reasons), reasons
    assert ("INVALID" in said) == bool(reasons)
    for phase in ("baseline", "flood", "recovery"):
        legit, established = steps[phase]["legit"], steps[phase]["established"]
        assert legit["attempts"] > 0 and legit["answered"] == legit["attempts"], (phase, said)
        assert established["answers"] > 0 and established["resets"] == 0, (phase, said)
        assert steps[phase]["answer"]["count"] == legit["answered"]
        assert sum(count for _, count in steps[phase]["answer"]["buckets_ns"]) == legit["answered"]
    during = steps["flood"]["flood"]
    assert during["syn_acks"] > 0 and during["octets"] > 0 and during["forged"] == 0 and during["unreadable"] == 0
    assert during["handshakes"] > 0
    assert sum(interval["legit"]["attempts"] for interval in report["intervals"]) == sum(
        step["legit"]["attempts"] for step in report["steps"])
    # The other side saw it the same way.
    assert counters["TcpEstablished"] >= sum(step["legit"]["answered"] for step in report["steps"]) + 4
    assert counters["RxFrames"] >= sum(step["flood"]["taken"] for step in report["steps"])
    assert "</svg>" in (bed.directory / "plot.svg").read_text()


def test_an_interrupt_ends_it_at_once(bed):
    flood = bed.flood("--target=198.18.0.2:7", "--rate=2000", "--step=200")
    server = bed.echo()
    wait_until(lambda: "weir: ready" in bed.text("weir-echo"), "the server")

    def cookies_or_half_open():
        server.send_signal(signal.SIGUSR1)
        text = bed.text("weir-echo")
        return text.count("counters:\n") > 1 and sum(parse_counters(text).get("RxFrames", [0])) > 1000

    wait_until(cookies_or_half_open, "the flood")
    flood.send_signal(signal.SIGINT)
    assert flood.wait(60) == 2
    assert "INVALID: stopped by a signal" in bed.text("weir-flood")
    assert bed.report()["invalid"] == ["stopped by a signal"]
    bed.stop_echo(server)


REFUSALS = [
    (["--rate-cap=1000", "--duration=300"], "--i-control-this-lab"),
    (["--i-control-this-lab", "--duration=300"], "--rate-cap"),
    (["--i-control-this-lab", "--rate-cap=1000"], "--duration"),
    ([*ALLOWED, "--rate=20001"], "more than --rate-cap"),
    (["--i-control-this-lab", "--rate-cap=90%", "--duration=300"], "--rate-cap"),
    ([*ALLOWED, "--target=192.0.2.1:7"], "outside of 198.18.0.0/15"),
    ([*ALLOWED, "--target=[2001:db8::1]:7"], "outside of 198.18.0.0/15 and 2001:2::/48"),
    ([*ALLOWED, "--address=10.0.0.1/24"], "outside of"),
    ([*ALLOWED, "--sources=198.16.0.0/12"], "outside of"),
    ([*ALLOWED, "--device=0000:01:00.0"], "--allow-physical"),
    ([*ALLOWED, "--device=net_af_packet0,iface=wan0"], "the default route goes through wan0"),
    ([*ALLOWED, "--device=net_tap0,iface=tap0,remote=wan0"], "the default route goes through wan0"),
    ([*ALLOWED, "--allow-physical", "--device=net_af_xdp0,iface=wan0"], "the default route goes through wan0"),
    ([*ALLOWED, "--mode=nonsense"], "--mode=list"),
    ([*ALLOWED, "--mode=nd-router"], "is about IPv6"),
    ([*ALLOWED, "--rate=90%"], "--capacity-search"),
    ([*ALLOWED, "--criteria=luck>=1"], "no such metric"),
    ([*ALLOWED, "--colour=red"], "unknown flag"),
    ([*ALLOWED, "--step=1000"], "the phases take"),
]


def test_an_interlock_or_a_mistake_ends_it_with_status_3(network, programs):
    network.run("ip", "link", "add", "wan0", "type", "veth", "peer", "name", "wan1")
    network.run("ip", "link", "set", "wan1", "up")
    network.run("ip", "address", "add", "203.0.113.1/24", "dev", "wan0")
    network.run("ip", "link", "set", "wan0", "up")
    network.run("ip", "route", "add", "default", "via", "203.0.113.2", "dev", "wan0")
    for arguments, says in REFUSALS:
        command = [programs / "weir-flood", "--device=net_memif0", "--rate=1000", *arguments]
        done = subprocess.run(network.command(*command), capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 3 and says in done.stderr, done


def test_it_explains_itself(programs):
    def said(*arguments):
        return subprocess.run([programs / "weir-flood", *arguments], capture_output=True, text=True, check=True,
                              timeout=60).stdout

    modes = said("--mode=list")
    for row in range(1, 36):
        assert f" F{row} " in modes, row
    text = said("--help")
    for flag in ("device", "target", "mode", "rate", "rate_cap", "duration", "criteria", "json", "svg"):
        assert f"\n  --{flag}\n" in text
    assert "flood 1000 frames/s for 5 s" in said("--device=net_memif0", "--rate=1000", "--check", *ALLOWED)
