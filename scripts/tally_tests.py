#!/usr/bin/python3
"""Adds up the results of several `meson test` runs; the last line printed is the total.

usage: scripts/tally_tests.py [--broken N] LOGBASE=SUITE,SUITE...
  LOGBASE   meson-logs/NAME of a run made with `meson test --logbase NAME`
  SUITE     what was asked for; a suite in which no test ran counts as one failure
  --broken  steps that failed before any test could run (each counts as one failure)

A test that reports its cases (GoogleTest, pytest) counts as that many; any other counts as one. A test that failed
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


def count(suite, counts):
    """Adds the cases of one JUnit suite to counts, which is [run, failed, skipped]."""
    for case in suite.iter("testcase"):
        counts[0] += 1
        if case.find("failure") is not None or case.find("error") is not None:
            counts[1] += 1
        elif case.find("skipped") is not None or case.get("status") == "notrun":
            counts[2] += 1


def count_cases(log_base):
    """{meson's name of a test, or what stands behind its suites: [run, failed, skipped]}, for those that report their cases."""
    cases = collections.defaultdict(lambda: [0, 0, 0])
    junit_path = pathlib.Path(f"{log_base}.junit.xml")
    if junit_path.exists():
        for suite in ElementTree.parse(junit_path).getroot().iter("testsuite"):
            # A GoogleTest suite is called PROJECT.TEST.SUITE there, all that is not GoogleTest just PROJECT.
            _, _, rest = suite.get("name", "").partition(".")
            test, _, _ = rest.rpartition(".")
            if test:
                count(suite, cases[test])
    # tests/e2e has pytest write its own, one file for each test.
    for path in junit_path.parent.glob("pytest-*.xml"):
        count(ElementTree.parse(path).getroot(), cases[path.stem.removeprefix("pytest-")])
    return cases


def tally(log_base):
    """One run: a row per test, as (suite, name, passed, failed, skipped, seconds)."""
    cases = count_cases(log_base)
    rows = []
    log_path = pathlib.Path(f"{log_base}.json")
    if not log_path.exists():
        return rows
    for line in log_path.read_text().splitlines():
        test = json.loads(line)
        suite, _, name = test["name"].rpartition(" / ")
        suite = suite.rpartition(":")[2]
        own = cases.get(test["name"]) or cases.get(name)
        run, failed, skipped = own or (1, 0, 0)
        if test["result"] in SKIPPED:
            failed, skipped = 0, run
        elif test["result"] not in PASSED and failed == 0:
            failed = 1
            run = run + 1 if own else 1
        rows.append((suite, name, run - failed - skipped, failed, skipped, test["duration"]))
    return rows


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--broken", type=int, default=0)
    parser.add_argument("logs", nargs="*", metavar="LOGBASE=SUITES")
    arguments = parser.parse_args()

    passed, failed, skipped = 0, arguments.broken, 0
    for log in arguments.logs:
        log_base, _, suites = log.partition("=")
        rows = tally(log_base)
        for suite, name, good, bad, left_out, seconds in rows:
            mark = "FAIL" if bad else "skip" if left_out and not good else "ok"
            note = f", {left_out} skipped" if left_out else ""
            print(f"{pathlib.Path(log_base).name:14} {suite:8} {name:28} {mark:5}"
                  f"{good:6} passed, {bad} failed{note} ({seconds:.1f} s)")
            passed, failed, skipped = passed + good, failed + bad, skipped + left_out
        for suite in set(suites.split(",")) - {row[0] for row in rows}:
            print(f"{pathlib.Path(log_base).name:14} {suite:8} no test ran: FAIL")
            failed += 1
    if arguments.broken:
        print(f"{arguments.broken} step(s) failed before their tests could run")
    ending = f", {skipped} skipped" if skipped else ""
    print(f"{passed} passed, {failed} failed{ending}")
    return 1 if failed or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
