"""One weir program under test: start it, wait until it is ready, end it, and see that nothing leaked."""
import os
import pathlib
import re
import signal
import subprocess
import time

from network import SERVER4, SERVER6

READY = "weir: ready"
# For programs built with LeakSanitizer: what the libraries leak is not what we look for.
SUPPRESSIONS = pathlib.Path(__file__).with_name("lsan.supp")
# Long enough for a machine that does other things too; reached only when something is broken.
PATIENCE_S = 60


def wait_until(condition, what, patience_s=PATIENCE_S):
    """Polls until `condition()` is true and returns what it said."""
    deadline = time.monotonic() + patience_s
    while True:
        result = condition()
        if result:
            return result
        assert time.monotonic() < deadline, f"still waiting after {patience_s} s: {what}"
        time.sleep(0.01)


class Server:
    def __init__(self, network, program, arguments, log_path, *, device=None, addresses=None, dad=False):
        self.network = network
        self.program = pathlib.Path(program)
        self.log_path = log_path
        self.process = None
        self.finished = False
        self.arguments = [
            f"--device={device or network.carrier.device}",
            f"--address={addresses or f'{SERVER4}/24,{SERVER6}/64'}",
            "--idle=sleep",
            "--set", "eal.huge_pages=off",
            "--set", f"eal.file_prefix={network.name}",
            # One second per start; where it matters a test asks for it.
            "--set", f"ip.dad={'true' if dad else 'false'}",
            *arguments,
        ]

    def start(self):
        environment = dict(os.environ, LSAN_OPTIONS=f"suppressions={SUPPRESSIONS}:print_suppressions=0")
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(self.network.command(self.program, *self.arguments), env=environment,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(lambda: READY in self.log() or self.process.poll() is not None, f"{self.program.name} to be ready")
        assert self.process.poll() is None, f"{self.program.name} ended with {self.process.returncode}:\n{self.log()}"
        self.network.give_addresses()

    def log(self):
        return self.log_path.read_text(errors="replace")

    def counters(self):
        """Asks for the counters and returns them: {name: [each worker's]}."""
        before = self.log().count("counters:\n")
        self.process.send_signal(signal.SIGUSR1)
        # The report is written at once, but may be read half.
        wait_until(lambda: self.log().count("counters:\n") > before and self.log().endswith("\n"), "the counters")
        return parse_counters(self.log())

    def stop(self):
        """Sends SIGTERM, waits for the end and returns the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self):
        try:
            return self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"{self.program.name} did not end:\n{self.log()}") from None

    def finish(self):
        """What must be true of every server in the end. Safe to call twice."""
        if self.finished or self.process is None:
            return
        self.finished = True
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        status = self.wait()
        log = self.log()
        assert status == 0, f"{self.program.name} ended with {status}:\n{log}"
        leaks = re.search(r"leaks: (.*)", log)
        assert leaks, f"no report of leaks:\n{log}"
        kept = dict(item.split("=") for item in leaks.group(1).split())
        # Connections in TIME-WAIT end by time alone; they hold a control block each and nothing else.
        kept.pop("time_wait", None)
        assert kept == {"connections": "0", "flights": "0", "kept_buffers": "0", "packets": "0"}, log


def parse_counters(log):
    """The last report in a log: {name: [each worker's count]}."""
    counters = {}
    for line in log[log.rindex("counters:\n"):].splitlines()[1:]:
        match = re.match(r"  (\w+) +(\d+)(?:  \[([\d ]+)\])?  \w", line)
        if not match:
            break
        name, total, workers = match.groups()
        counters[name] = [int(n) for n in workers.split()] if workers else [int(total)]
    return counters
