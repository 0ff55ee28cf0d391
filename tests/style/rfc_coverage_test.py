#!/usr/bin/python3
"""Proves that scripts/rfc_coverage.py tells tested, departed, later, missing and stale apart, and that the tables are whole."""
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
        self.write("docs/requirements/rfc_others.tsv",
                   "RFC6298-5\tMUST\tRFC 6298 5\tRules.\nRFC6298-5.7\tMUST\tRFC 6298 5.7\tThree seconds.\n"
                   "RFC6298-5.7a\tMAY\tRFC 6298 5.7\tMore.\nRFC2018-0\tLATER\tRFC 2018\tSACK.\n")

    def write(self, path, text):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def run_script(self, *options):
        return subprocess.run([sys.executable, "-B", SCRIPT, "--root", self.root, *options], capture_output=True,
                              text=True, check=False)

    def states(self, page="docs/rfc9293.md"):
        """{id: state} as the page has it."""
        self.run_script("--write")
        rows = [line.split("|") for line in (self.root / page).read_text().splitlines()]
        return {row[1].strip(): row[5].strip(" *") for row in rows if len(row) == 8 and "-" in row[1].strip(" -")}

    def test_what_nobody_cites_is_missing(self):
        self.assertEqual({"MUST-1": "missing", "MUST-11": "missing", "SHLD-7": "missing"}, self.states())

    def test_a_citation_in_a_comment_or_a_name_means_tested(self):
        self.write("tests/segment/a_test.cc", "// MUST-11: remembers.\nTEST(Nagle, HoldsShortSegments_SHLD_7) {}\n")
        self.assertEqual({"MUST-1": "missing", "MUST-11": "tested", "SHLD-7": "tested"}, self.states())

    def test_a_decision_that_departs_wins_over_a_test(self):
        self.write("tests/segment/a_test.cc", "// MUST-1\n")
        self.write("docs/adr/0001-one.md", "# One\n\nDeparts-from: MUST-1, SHLD-7\n\nMUST-11 is only mentioned.\n")
        self.assertEqual({"MUST-1": "departed", "MUST-11": "missing", "SHLD-7": "departed"}, self.states())

    def test_rules_of_other_rfcs_are_cited_with_their_whole_number(self):
        self.write("tests/segment/a_test.cc", "// RFC6298-5.7. RFC 6298 5.70 is none\n")
        self.assertEqual({"RFC6298-5": "missing", "RFC6298-5.7": "tested", "RFC6298-5.7a": "missing",
                          "RFC2018-0": "later"}, self.states("docs/rfc_others.md"))

    def test_rules_of_other_rfcs_may_be_cited_as_in_prose(self):
        self.write("tests/segment/a_test.cc", "// RFC 6298 5.7: three seconds; RFC 6298 9 is no rule\n")
        self.assertEqual({"RFC6298-5": "missing", "RFC6298-5.7": "tested", "RFC6298-5.7a": "missing",
                          "RFC2018-0": "later"}, self.states("docs/rfc_others.md"))
        self.assertEqual(0, self.run_script("--check").returncode)

    def test_a_decision_may_depart_from_other_rfcs(self):
        self.write("docs/adr/0001-one.md", "Departs-from: RFC6298-5, RFC6298-5.7a\n")
        self.assertEqual({"RFC6298-5": "departed", "RFC6298-5.7": "missing", "RFC6298-5.7a": "departed",
                          "RFC2018-0": "later"}, self.states("docs/rfc_others.md"))

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

    def test_a_citation_of_no_rule_of_another_rfc_fails(self):
        self.write("tests/unit/a_test.cc", "// RFC6298-5.8\n")
        run = self.run_script("--write")
        self.assertEqual(1, run.returncode)
        self.assertIn("tests/unit/a_test.cc cites RFC6298-5.8", run.stderr)

    def test_missing_ones_fail_only_if_all_are_required(self):
        self.assertEqual(0, self.run_script("--write").returncode)
        self.write("tests/unit/a_test.cc", "// MUST-1 MUST-11 SHLD-7 RFC6298-5 RFC6298-5.7a\n")
        run = self.run_script("--write", "--require-all")
        self.assertEqual(1, run.returncode)
        self.assertEqual("RFC6298-5.7 has neither a test nor a departure: Three seconds.", run.stderr.strip())
        self.write("docs/adr/0001-one.md", "Departs-from: RFC6298-5.7\n")
        self.assertEqual(0, self.run_script("--write", "--require-all").returncode)

    def test_the_table_has_every_number_once(self):
        identifiers = [identifier for identifier, *_ in
                       rfc_coverage.read_requirements(ROOT, "docs/requirements/rfc9293.tsv")]
        self.assertEqual(119, len(set(identifiers)))
        self.assertEqual({"MUST": 69, "SHLD": 31, "MAY": 18, "REC": 1},
                         collections.Counter(identifier.split("-")[0] for identifier in identifiers))

    def test_the_other_table_has_every_rule_once_and_can_be_cited(self):
        identifiers = [identifier for identifier, *_ in
                       rfc_coverage.read_requirements(ROOT, "docs/requirements/rfc_others.tsv")]
        self.assertEqual(len(identifiers), len(set(identifiers)))
        for identifier in identifiers:
            self.assertEqual({identifier}, rfc_coverage.citations(f"// {identifier}."))


if __name__ == "__main__":
    unittest.main()
