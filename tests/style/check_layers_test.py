#!/usr/bin/python3
"""Proves that each rule of scripts/check_layers.py fires, and that code which keeps them passes."""
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
sys.dont_write_bytecode = True
import check_layers  # noqa: E402 (the path above comes first)

USES = {
    "weir": [],
    "base": [],
    "wire": ["base"],
    "packet": ["base"],
    "tcp": ["base", "wire", "packet"],
    "port": ["base", "packet"],
    "runtime": ["base", "wire", "packet", "tcp", "port"],
}

# Programs that stand on modules.
APP_USES = {"tool": ["wire", "tcp"]}

# (file, one line of code, the rule it breaks)
VIOLATIONS = [
    ("lib/base/a.cc", '#include "wire/tcp.h"', "layer"),
    ("lib/wire/a.cc", '#include "packet/packet.h"', "layer"),
    ("lib/tcp/a.cc", '#include "port/device.h"', "layer"),
    ("lib/port/a.cc", '#include "tcp/engine.h"', "layer"),
    ("lib/weir/a.cc", '#include "base/seq.h"', "layer"),
    ("apps/echo.cc", '#include "tcp/engine.h"', "layer"),
    ("apps/other/a.cc", '#include "tcp/engine.h"', "layer"),
    ("apps/tool/a.cc", '#include "port/device.h"', "layer"),
    ("apps/tool/a.cc", "#include <rte_ethdev.h>", "DPDK header"),
    ("lib/weir/a.h", "#include <rte_mbuf.h>", "public header"),
    ("lib/weir/a.h", '#include "absl/strings/str_cat.h"', "public header"),
    ("lib/weir/a.h", "#include <sys/socket.h>", "public header"),
    ("lib/tcp/a.cc", "#include <rte_mbuf_core.h>", "DPDK header"),
    ("lib/packet/a.cc", "#include <rte_mempool.h>", "DPDK header"),
    ("apps/echo.cc", "#include <rte_ethdev.h>", "DPDK header"),
    ("lib/tcp/a.cc", "void F(struct rte_mbuf* m);", "rte_mbuf"),
    ("lib/runtime/a.cc", "rte_mbuf* m = nullptr;", "rte_mbuf"),
    ("lib/tcp/a.cc", "auto now = std::chrono::steady_clock::now();", "clock"),
    ("lib/tcp/a.cc", "clock_gettime(CLOCK_MONOTONIC, &t);", "clock"),
    ("lib/tcp/a.cc", "uint64_t t = rte_rdtsc();", "clock"),
    ("lib/tcp/a.cc", "uint64_t t = __rdtsc();", "clock"),
    ("lib/tcp/a.cc", "uint64_t t = rte_get_tsc_hz();", "clock"),
    ("lib/tcp/a.cc", "auto t = time(nullptr);", "clock"),
    ("lib/base/a.cc", "std::random_device device;", "random source"),
    ("lib/base/a.cc", "int x = rand();", "random source"),
    ("lib/base/a.cc", "getrandom(key, 16, 0);", "random source"),
    ("lib/base/a.cc", "uint64_t x = rte_rand();", "random source"),
    ("lib/tcp/a.cc", "rte_eth_tx_burst(0, 0, packets, n);", "DPDK call"),
    ("lib/tcp/a.cc", "rte_eal_init(argc, argv);", "DPDK call"),
    ("lib/packet/a.cc", "rte_mempool_get_bulk(pool, objects, n);", "DPDK call"),
    ("lib/packet/a.cc", "rte_pktmbuf_free(m);", "DPDK call"),
    ("lib/tcp/a.cc", "rte_ring_enqueue(ring, object);", "DPDK call"),
    ("lib/wire/a.cc", "throw 1;", "exception"),
    ("lib/wire/a.cc", "try { F(); } catch (...) {}", "exception"),
    ("lib/tcp/a.cc", "std::unordered_map<int, int> map;", "hash container"),
    ("lib/tcp/a.cc", "absl::flat_hash_map<int, int> map;", "hash container"),
    ("lib/tcp/a.cc", 'printf("%d", 1);', "I/O or thread"),
    ("lib/tcp/a.cc", "std::thread t(F);", "I/O or thread"),
    ("lib/tcp/a.cc", 'std::fprintf(stderr, "x");', "I/O or thread"),
    ("lib/tcp/a.cc", "void* p = mmap(0, 1, 2, 3, 4, 5);", "I/O or thread"),
    ("lib/tcp/a.cc", "#include <iostream>", "header"),
    ("lib/tcp/a.cc", "#include <chrono>", "header"),
    ("lib/wire/a.cc", "#include <sys/socket.h>", "header"),
    ("lib/wire/a.cc", "#include <unordered_map>", "header"),
]

# Code that resembles a violation and is none.
ALLOWED = [
    ("lib/tcp/a.cc", "// std::chrono and rand() are not for us"),
    ("lib/tcp/a.cc", 'const char* kText = "rte_eth_tx_burst(";'),
    ("lib/tcp/a.cc", "int million = 1'000'000; int operand(int); int x = operand(1);"),
    ("lib/tcp/a.cc", "Time time() const { return time_; } int retransmit_time(int);"),
    ("lib/tcp/a.cc", "/* throw,\n catch (x) */ int retry;"),
    ("lib/tcp/a.cc", '#include "wire/tcp.h"'),
    ("lib/tcp/a.cc", '#include "weir/address.h"'),
    ("lib/packet/a.cc", "#include <rte_mbuf_core.h>"),
    ("lib/packet/pool_mempool.cc", "rte_pktmbuf_free(m);"),
    ("lib/tcp/a.cc", "#include <cstdio>"),
    ("lib/tcp/a.cc", "std::snprintf(text, sizeof text, format);"),
    ("lib/base/check.cc", "std::fprintf(stderr, format);"),
    ("lib/base/reserved_array.h", "#include <sys/mman.h>"),
    ("lib/port/a.cc", "uint64_t t = rte_rdtsc();"),
    ("lib/runtime/a.cc", '#include "port/device.h"'),
    ("lib/weir/a.h", '#include "absl/status/status.h"'),
    ("lib/weir/a.h", "#include <cstdint>"),
    ("apps/echo.cc", '#include "weir/weir.h"'),
    ("apps/tool/a.cc", '#include "tcp/engine.h"'),
    ("apps/tool/a.cc", '#include "tool/b.h"'),
]


def check(file, text):
    """The rules that one file breaks in a tree of its own."""
    with tempfile.TemporaryDirectory() as directory:
        root = pathlib.Path(directory)
        for module, uses in USES.items():
            (root / "lib" / module).mkdir(parents=True)
            (root / "lib" / module / "meson.build").write_text(f"uses = {uses}\n")
        for app, uses in APP_USES.items():
            (root / "apps" / app).mkdir(parents=True)
            (root / "apps" / app / "meson.build").write_text(f"uses = {uses}\n")
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(text)
        checked, violations = check_layers.check_tree(root)
        assert checked == 1
        return [rule for _, _, rule, _ in violations]


def framed(file, line):
    return "// A file.\n" + ("#pragma once\n" if file.endswith(".h") else "") + line + "\n"


class CheckLayers(unittest.TestCase):
    def test_each_rule_fires(self):
        for file, line, rule in VIOLATIONS:
            with self.subTest(file=file, line=line):
                self.assertIn(rule, check(file, framed(file, line)))

    def test_a_violation_is_found_below_the_first_line_too(self):
        self.assertEqual(["clock"], check("lib/tcp/a.cc", "// A file.\n\n\nint x;\nauto t = __rdtsc();\n"))

    def test_what_only_resembles_a_violation_passes(self):
        for file, line in ALLOWED:
            with self.subTest(file=file, line=line):
                self.assertEqual([], check(file, framed(file, line)))

    def test_a_file_without_a_first_comment_is_refused(self):
        self.assertEqual(["first line"], check("lib/tcp/a.cc", "int x;\n"))

    def test_a_header_without_pragma_once_is_refused(self):
        self.assertEqual(["pragma once"], check("lib/tcp/a.h", "// A header.\nint x;\n"))


if __name__ == "__main__":
    unittest.main()
