#!/usr/bin/python3
"""Proves that scripts/rfc_coverage.py tells tested, departed, missing and stale apart, and that the table is whole."""
import collections
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts/rfc_coverage.py"
sys.path.insert(0, str(ROOT / "scripts"))
sys.dont_write_bytecode = True
import rfc_coverage  # noqa: E402 (the path above comes first)


class RfcCoverage(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = pathlib.Path(directory.name)
        self.write("docs/requirements/rfc9293.tsv",
                   "MUST-1\tMUST\t3.1\tOne.\nMUST-11\tMUST\t3.5\tEleven.\nSHLD-7\tSHOULD\t3.7.4\tNagle.\n")

    def write(self, path, text):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def run_script(self, *options):
        return subprocess.run([sys.executable, "-B", SCRIPT, "--root", self.root, *options], capture_output=True,
                              text=True, check=False)

    def states(self):
        """{id: state} as the page has it."""
        self.run_script("--write")
        rows = [line.split("|") for line in (self.root / "docs/rfc9293.md").read_text().splitlines()]
        return {row[1].strip(): row[5].strip(" *") for row in rows if len(row) == 8 and row[1].strip()[-1].isdigit()}

    def test_what_nobody_cites_is_missing(self):
        self.assertEqual({"MUST-1": "missing", "MUST-11": "missing", "SHLD-7": "missing"}, self.states())

    def test_a_citation_in_a_comment_or_a_name_means_tested(self):
        self.write("tests/segment/a_test.cc", "// MUST-11: remembers.\nTEST(Nagle, HoldsShortSegments_SHLD_7) {}\n")
        self.assertEqual({"MUST-1": "missing", "MUST-11": "tested", "SHLD-7": "tested"}, self.states())

    def test_a_decision_that_departs_wins_over_a_test(self):
        self.write("tests/segment/a_test.cc", "// MUST-1\n")
        self.write("docs/adr/0001-one.md", "# One\n\nDeparts-from: MUST-1, SHLD-7\n\nMUST-11 is only mentioned.\n")
        self.assertEqual({"MUST-1": "departed", "MUST-11": "missing", "SHLD-7": "departed"}, self.states())

    def test_a_stale_page_fails_the_check_and_a_fresh_one_passes(self):
        self.assertEqual(1, self.run_script("--check").returncode)
        self.run_script("--write")
        self.assertEqual(0, self.run_script("--check").returncode)
        self.write("tests/unit/a_test.cc", "// MUST-1\n")
        self.assertEqual(1, self.run_script("--check").returncode)

    def test_a_citation_of_nothing_fails(self):
        self.write("tests/unit/a_test.cc", "// MUST-70\n")
        run = self.run_script("--write")
        self.assertEqual(1, run.returncode)
        self.assertIn("tests/unit/a_test.cc cites MUST-70", run.stderr)

    def test_missing_ones_fail_only_if_all_are_required(self):
        self.assertEqual(0, self.run_script("--write").returncode)
        self.assertEqual(1, self.run_script("--write", "--require-all").returncode)

    def test_the_table_has_every_number_once(self):
        identifiers = [identifier for identifier, *_ in rfc_coverage.read_requirements(ROOT)]
        self.assertEqual(119, len(set(identifiers)))
        self.assertEqual({"MUST": 69, "SHLD": 31, "MAY": 18, "REC": 1},
                         collections.Counter(identifier.split("-")[0] for identifier in identifiers))


if __name__ == "__main__":
    unittest.main()
