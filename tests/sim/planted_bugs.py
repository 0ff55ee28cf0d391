#!/usr/bin/python3
"""Shows that the simulator finds bugs: plants one at a time in a copy of lib/ and runs it.

usage: tests/sim/planted_bugs.py [--seeds N] [--only WORD]

Builds weir-sim in a temporary directory, first as it is (which must pass), then with each planted bug (which must
fail within N seeds, 500 if not said). Prints how many seeds found it and the first. Exit status 1 if one was missed.
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODULES = ["weir", "base", "wire", "packet", "ip", "tcp", "stack"]
RUN_TIMEOUT_S = 120

# name, file below lib/, what stands there, what is put in its place
BUGS = [
    ("forgets to advance SND.UNA", "tcp/acknowledge.cc", "  c.snd.una = ack;\n", ""),
    ("does not cut off text that came before", "tcp/segment_arrives.cc", "    a.text += cut;\n", ""),
    ("accepts a wrong TCP checksum", "wire/frame.cc",
     "if (!hints.l4_checksum_good && !TransportChecksumGood", "if (false && !TransportChecksumGood"),
    ("never arms the retransmission timer for text", "tcp/output.cc",
     "  if (!c.has(kRetransmitArmed)) ArmRto(c, Rto(c, c.backoff));  // RFC 6298 5.1\n", ""),
    ("sends one octet beyond the window", "tcp/output.cc",
     "std::min(c.cwnd + limited, c.snd.wnd)", "std::min(c.cwnd + limited, c.snd.wnd + (c.snd.wnd ? 1 : 0))"),
    ("takes an announced window back", "tcp/output.cc", "  if (WindowWorthTelling(c, 1)) c.rcv.adv = RightEdge(c);\n",
     "  c.rcv.adv = RightEdge(c);\n"),
    ("joins text that overlaps what arrived since", "tcp/reassembly.cc",
     "Distance(text->seq, c.rcv.nxt));\n    text->TrimFront(cut);\n",
     "Distance(text->seq, c.rcv.nxt));\n    (void)cut;\n"),
    ("does not give acknowledged text back", "tcp/acknowledge.cc", "    ReleaseSent(done);\n", ""),
    ("never probes a closed window", "tcp/output.cc",
     "  if (c.in_flight() == 0 && c.snd.nxt < end) WatchWindow(c);\n", ""),
    ("delivers text after Abort", "tcp/events.cc",
     "    if (c.state == TcpState::kClosed && IsLocalEnd(c.reason)) return;  // Abort in the last OnData\n", ""),
    ("answers a SYN that came again after the handshake", "tcp/acknowledge.cc",
     "  c.settle(kSendSyn);  // a SYN that came again earlier in this burst has its answer\n", ""),
    ("lets an old segment's ACK keep the old window", "tcp/acknowledge.cc",
     "    c.snd.wnd -= std::min(c.snd.wnd, Distance(c.snd.una, ack));\n", ""),
    ("does not tell a stranger that there is no connection", "tcp/listen.cc",
     "    if (!good) AnswerWithReset(frame, segment.local);\n", ""),
    ("scales the window of a simultaneous SYN-ACK", "tcp/acknowledge.cc",
     "(a.h.syn() ? 0 : c.send_scale());\n  c.snd.wl1", "c.send_scale();\n  c.snd.wl1"),
    ("writes a buffer that a driver still holds", "tcp/text.cc",
     "  if (!packet->unique() || !packet->contiguous()) return {};\n", ""),
    ("does not call again after memory was short", "tcp/application.cc",
     "  c.set(kWantsRoom);\n  c.owe(kEventWritable);\n", "  c.set(kWantsRoom);\n"),
    ("lets text to send take the buffers of reception", "tcp/application.cc",
     " && text_buffers_ < config_.text_buffers;", ";"),
    ("leaves handles alive after OnClosed", "tcp/events.cc", "    c.generation += 2;", "    c.generation += 0;"),
    ("calls OnOpen after Close", "tcp/events.cc", "if (!c.has(kOrphan) && !aborted) handler.OnOpen(handle);",
     "(void)aborted;\n    handler.OnOpen(handle);"),
    ("delivers more than an echo can send", "tcp/events.cc", "{n, SendRoom(c), c.mss}", "{n, size_t{c.mss}}"),
    ("does not believe that a packet was too big", "tcp/path_mtu.cc",
     "if (size >= f->size_acked || timed_out) return BelievePathMtu(c, *f, mtu);\n",
     "if (size >= f->size_acked || timed_out) return;\n"),
    ("keeps a timer that was cancelled", "tcp/application.cc",
     "    c.clear(kAppTimer);\n    return;\n", "    return;\n"),
]


def flags():
    include = subprocess.run(["pkg-config", "--cflags-only-I", "libdpdk"], check=True, capture_output=True,
                             text=True).stdout.split()
    dpdk = [word for flag in include for word in ("-isystem", flag[2:])]
    return ["-std=c++20", "-O1", "-march=x86-64-v2", "-include", "rte_config.h", *dpdk]


def sources(tree):
    lib = [path for module in MODULES for path in sorted((tree / "lib" / module).glob("*.cc"))
           if path.name != "pool_mempool.cc"]
    return lib + [path for module in ("sim", "invariants") for path in sorted((tree / "tests" / module).glob("*.cc"))
                  if not path.name.endswith("_test.cc")]


def libraries():
    return subprocess.run(["pkg-config", "--libs", "absl_statusor", "absl_status", "absl_strings"], check=True,
                          capture_output=True, text=True).stdout.split()


def object_of(tree, source):
    return tree / "obj" / (str(source.relative_to(tree)).replace("/", "_") + ".o")


def compile_all(tree, changed, compiler):
    def one(source):
        subprocess.run([*compiler, *flags(), f"-I{tree}/lib", f"-I{tree}/tests", "-c", source, "-o",
                        object_of(tree, source)], check=True)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(one, changed))
    subprocess.run([*compiler, *(object_of(tree, source) for source in sources(tree)), "-o", tree / "weir-sim",
                    *libraries()], check=True)


def run(tree, seeds):
    """(whether it failed, a sentence)."""
    try:
        done = subprocess.run([tree / "weir-sim", "--seeds", str(seeds)], capture_output=True, text=True,
                              timeout=RUN_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return True, "did not end"
    first = re.search(r"^FAILED: .*--first (\d+)", done.stdout, re.M)
    count = re.search(r"^(\d+) of \d+ seeds failed", done.stdout, re.M)
    if done.returncode == 0:
        return False, "every seed passes"
    if first and count:
        return True, f"{count[1]} of {seeds} seeds fail, the first is {first[1]}"
    crash = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
    return True, f"crashes: {crash}"


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--seeds", type=int, default=500)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    compiler = (["ccache"] if shutil.which("ccache") else []) + ["g++"]
    missed = 0
    with tempfile.TemporaryDirectory(prefix="weir-planted-") as directory:
        tree = pathlib.Path(directory)
        shutil.copytree(ROOT / "lib", tree / "lib")
        for module in ("sim", "invariants"):
            shutil.copytree(ROOT / "tests" / module, tree / "tests" / module)
        (tree / "obj").mkdir()
        compile_all(tree, sources(tree), compiler)
        failed, sentence = run(tree, arguments.seeds)
        print(f"as it is: {sentence}", flush=True)
        if failed:
            return 1
        for name, file, old, new in BUGS:
            if arguments.only not in name:
                continue
            path = tree / "lib" / file
            clean = path.read_text()
            if clean.count(old) != 1:
                print(f"MISSED   {name}: lib/{file} no longer has the line; change this script")
                missed += 1
                continue
            path.write_text(clean.replace(old, new))
            compile_all(tree, [path], compiler)
            failed, sentence = run(tree, arguments.seeds)
            print(f"{'found ' if failed else 'MISSED'}   {name}: {sentence}", flush=True)
            missed += not failed
            path.write_text(clean)
            compile_all(tree, [path], compiler)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
