#!/usr/bin/python3
"""Adds up the results of several `meson test` runs; the last line printed is the total.

usage: scripts/tally_tests.py [--broken N] LOGBASE...
  LOGBASE   meson-logs/NAME of a run made with `meson test --logbase NAME`
  --broken  steps that failed before any test could run (each counts as one failure)

A test that reports its cases (GoogleTest) counts as that many; any other counts as one. A test that failed
without a failing case (it crashed, leaked or timed out) adds one failure. Exits 1 if anything failed or
nothing ran.
"""
import argparse
import collections
import json
import pathlib
import sys
import xml.etree.ElementTree as ElementTree

PASSED = {"OK", "EXPECTEDFAIL"}
SKIPPED = {"SKIP"}


def count_cases(junit_path):
    """Cases per meson test name: {name: (run, failed, skipped)}, from the JUnit file meson writes."""
    cases = collections.defaultdict(lambda: [0, 0, 0])
    if not junit_path.exists():
        return cases
    for suite in ElementTree.parse(junit_path).getroot().iter("testsuite"):
        # meson names a GoogleTest suite PROJECT.TEST.SUITE, and other tests' suites PROJECT.
        parts = suite.get("name", "").split(".")
        if len(parts) < 3:
            continue
        counts = cases[parts[1]]
        for case in suite.iter("testcase"):
            counts[0] += 1
            if case.find("failure") is not None or case.find("error") is not None:
                counts[1] += 1
            elif case.find("skipped") is not None or case.get("status") == "notrun":
                counts[2] += 1
    return cases


def tally(log_base):
    """One run: a row per test, as (suite, name, passed, failed, skipped, seconds)."""
    cases = count_cases(pathlib.Path(f"{log_base}.junit.xml"))
    rows = []
    log_path = pathlib.Path(f"{log_base}.json")
    if not log_path.exists():
        return rows
    for line in log_path.read_text().splitlines():
        test = json.loads(line)
        suite, _, name = test["name"].rpartition(" / ")
        suite = suite.rpartition(":")[2]
        run, failed, skipped = cases.get(name, (1, 0, 0))
        if test["result"] in SKIPPED:
            failed, skipped = 0, run
        elif test["result"] not in PASSED and failed == 0:
            failed = 1
            run = run + 1 if name in cases else 1
        rows.append((suite, name, run - failed - skipped, failed, skipped, test["duration"]))
    return rows


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--broken", type=int, default=0)
    parser.add_argument("logs", nargs="*", metavar="LOGBASE")
    arguments = parser.parse_args()

    passed, failed, skipped = 0, arguments.broken, 0
    for log_base in arguments.logs:
        rows = tally(log_base)
        if not rows:
            print(f"{log_base}: no test ran")
        for suite, name, good, bad, left_out, seconds in rows:
            mark = "FAIL" if bad else "skip" if left_out and not good else "ok"
            note = f", {left_out} skipped" if left_out else ""
            print(f"{pathlib.Path(log_base).name:14} {suite:8} {name:28} {mark:5}"
                  f"{good:6} passed, {bad} failed{note} ({seconds:.1f} s)")
            passed, failed, skipped = passed + good, failed + bad, skipped + left_out
    if arguments.broken:
        print(f"{arguments.broken} step(s) failed before their tests could run")
    ending = f", {skipped} skipped" if skipped else ""
    print(f"{passed} passed, {failed} failed{ending}")
    return 1 if failed or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
