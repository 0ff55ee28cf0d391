#!/usr/bin/python3
"""Holds the sources to the layers: who may include whom, and what the pure half may not touch.

usage: scripts/check_layers.py [--root DIRECTORY]

Reads `uses = [...]` of each lib/MODULE/meson.build and checks, for every .cc, .h and .def below lib and apps:
  - a module includes itself, weir/ and the modules it uses; apps include no module but weir/, unless a
    meson.build of their own names more
  - public headers (lib/weir/*.h) include the standard library, weir/ and absl/status only
  - DPDK headers stay in port and runtime, and in packet as far as the packet's layout needs them
  - no rte_mbuf outside packet and port
  - the pure half (base wire packet ip tcp stack) has no clock, no random source, no DPDK call, no I/O, no
    thread, no exception, no hash container (its iteration order differs from run to run)
  - every file starts with a comment, every header with #pragma once after it
Prints FILE:LINE: what is wrong, and exits 1 if anything is.
"""
import argparse
import pathlib
import re
import sys

PURE = {"base", "wire", "packet", "ip", "tcp", "stack"}

# What the pure half may not say, and why. Searched in code, with comments and string contents removed.
BANNED_IN_PURE_HALF = [
    ("clock", r"\bstd::chrono\b|\bclock_gettime\b|\bgettimeofday\b|\bstd::time\b|\btime\s*\(\s*(?:NULL|nullptr|0|&)"
              r"|\b_*rdtscp?\b|\b__builtin_ia32_rdtscp?\b|\brte_(?:rdtsc|get_tsc|get_timer|delay)\w*"),
    ("random source", r"\bstd::random_device\b|\bstd::mt19937\w*|\bs?rand(?:_r|om)?\s*\(|\bgetrandom\b|\bgetentropy\b"
                      r"|\brte_s?rand\w*"),
    ("DPDK call", r"\brte_(?:eth|eal|mempool|ring|lcore|malloc|zmalloc|calloc|realloc|free|memzone|timer|log|pktmbuf)\w*"),
    ("exception", r"\bthrow\b|\btry\s*\{|\bcatch\s*\("),
    ("hash container", r"\b(?:unordered_(?:multi)?(?:map|set)|(?:flat|node)_hash_(?:map|set))\b"),
    ("I/O or thread", r"\bstd::(?:cout|cerr|clog|f?printf|fopen|thread|jthread|mutex|atomic)\b"
                      r"|(?<![\w.>:])(?:f?printf|fopen|puts|pthread_\w+|socket|ioctl|mmap|syscall)\s*\("),
]
BANNED_HEADERS_IN_PURE_HALF = re.compile(
    r"chrono|ctime|time\.h|random|iostream|ostream|istream|fstream|sstream|filesystem|thread|mutex"
    r"|atomic|future|condition_variable|unordered_(?:map|set)|unistd\.h|fcntl\.h|pthread\.h|sys/.*|linux/.*"
    r"|netinet/.*|arpa/.*|x86gprintrin\.h")

# (file, rule) that may break it, and why.
EXEMPT = {
    # CHECK says on stderr what failed and aborts: the process is over.
    ("lib/base/check.cc", "I/O or thread"),
    # Reserves a shard's memory, at start-up and never again.
    ("lib/base/reserved_array.h", "header"),
    ("lib/base/reserved_array.h", "I/O or thread"),
    # The one place of the packet module that is allowed DPDK's pools; programs link it, tests of the pure half do not.
    ("lib/packet/pool_mempool.h", "DPDK call"),
    ("lib/packet/pool_mempool.cc", "DPDK call"),
    ("lib/packet/pool_mempool.cc", "DPDK header"),
}
DPDK_HEADERS_OF_PACKET = {"rte_mbuf_core.h", "rte_config.h"}

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')
# Comments and literals, longest first; a character literal is kept apart from digit separators (1'000).
NOT_CODE = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<d>[^(\s]*)\(.*?\)(?P=d)"|"(?:\\.|[^"\\\n])*"|(?<![0-9A-Za-z_])\'(?:\\.|[^\'\\\n])+\'',
    re.S)


def code_lines(text):
    """The text with comments and literals blanked, line numbers kept; includes survive as they are."""
    kept = {n: line for n, line in enumerate(text.split("\n")) if INCLUDE.match(line)}
    blank = NOT_CODE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)
    return [kept.get(n, line) for n, line in enumerate(blank.split("\n"))]


def read_uses(root):
    """{module: set of modules its meson.build names in `uses`}."""
    uses = {}
    for build_file in sorted(root.glob("lib/*/meson.build")):
        match = re.search(r"^uses\s*=\s*\[([^\]]*)\]", build_file.read_text(), re.M)
        uses[build_file.parent.name] = set(re.findall(r"'(\w+)'", match.group(1))) if match else set()
    return uses


def read_app_uses(root):
    """{apps/NAME: set of modules}, of those programs that do not stand on the public API alone."""
    uses = {}
    for build_file in sorted(root.glob("apps/*/meson.build")):
        match = re.search(r"^uses\s*=\s*\[([^\]]*)\]", build_file.read_text(), re.M)
        uses[build_file.parent] = set(re.findall(r"'(\w+)'", match.group(1))) if match else set()
    return uses


def check_include(module, name, quoted, path, uses, app_uses):
    """The violations of one include line, as (rule, sentence)."""
    first = name.split("/")[0]
    if quoted and first in uses:
        if module == "apps" and first != "weir" and first not in app_uses.get(path.parent, ()):
            yield "layer", f'an application may include weir/ only, not "{name}"'
        elif module != "apps" and first not in uses[module] | {module, "weir"}:
            yield "layer", f'{module} does not use {first} (lib/{module}/meson.build): "{name}"'
    if module == "weir" and path.suffix == ".h":
        standard = not quoted and re.fullmatch(r"[a-z_0-9]+", name)
        if not (standard or name.startswith(("absl/status/", "weir/"))):
            yield "public header", f"a public header includes std, weir/ and absl/status only, not {name}"
    if re.fullmatch(r"rte_\w+\.h", name) and module not in ("port", "runtime"):
        if not (module == "packet" and name in DPDK_HEADERS_OF_PACKET):
            yield "DPDK header", f"{name} does not belong in {module}"
    if module in PURE and not quoted and BANNED_HEADERS_IN_PURE_HALF.fullmatch(name):
        yield "header", f"the pure half may not include <{name}>"


def check_file(path, module, uses, app_uses):
    """All violations in one file, as (line, rule, sentence)."""
    text = path.read_text()
    if not text.startswith("//"):
        yield 1, "first line", "the first line must be a comment that says what the file is for"
    if path.suffix == ".h" and not re.search(r"^#pragma once$", text, re.M):
        yield 1, "pragma once", "a header needs #pragma once"
    for number, line in enumerate(code_lines(text), 1):
        include = INCLUDE.match(line)
        if include:
            quoted = include.group(1) is not None
            name = include.group(1) or include.group(2)
            for rule, sentence in check_include(module, name, quoted, path, uses, app_uses):
                yield number, rule, sentence
            continue
        if module not in ("packet", "port") and re.search(r"\brte_mbuf\b", line):
            yield number, "rte_mbuf", "rte_mbuf stays inside packet and port"
        if module in PURE:
            for rule, pattern in BANNED_IN_PURE_HALF:
                match = re.search(pattern, line)
                if match:
                    yield number, rule, f"{rule} in the pure half: {match.group().strip()}"


def check_tree(root):
    """Every violation below root, as (path, line, rule, sentence)."""
    uses = read_uses(root)
    app_uses = read_app_uses(root)
    checked = 0
    violations = []
    for directory in [root / "lib" / module for module in uses] + [root / "apps"]:
        module = "apps" if directory.name == "apps" and directory.parent == root else directory.name
        for path in sorted(directory.rglob("*")):
            if path.suffix not in (".cc", ".h", ".def") or not path.is_file():
                continue
            checked += 1
            relative = path.relative_to(root).as_posix()
            violations += [(relative, line, rule, sentence)
                           for line, rule, sentence in check_file(path, module, uses, app_uses)
                           if (relative, rule) not in EXEMPT]
    return checked, violations


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    checked, violations = check_tree(parser.parse_args().root)
    for path, line, _, sentence in violations:
        print(f"{path}:{line}: {sentence}")
    print(f"{checked} files, {len(violations)} violations")
    return 1 if violations or checked == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
