#!/usr/bin/python3
"""Holds README.md and docs to what they promise: the echo server is the file that is built, links lead somewhere, tests
that are named exist."""
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
LINES_MAX = 150
FLOODS = 35  # rows of the flood catalogue
# Rows that are made of other rows' floods, or of when they come.
MIXTURES = {"F31", "F32"}


def tests_of_the_tree():
    """Suite.Name of every test in C++."""
    sources = "".join(path.read_text() for path in sorted((ROOT / "tests").rglob("*.cc")))
    return {".".join(name) for name in re.findall(r"TEST(?:_P|_F)?\((\w+),\s*(\w+)\)", sources)}


class Readme(unittest.TestCase):
    def test_the_echo_server_is_the_file_that_is_built(self):
        source = (ROOT / "apps/echo/echo.cc").read_text()
        self.assertIn(f"```cpp\n{source}```\n", README)

    def test_the_echo_server_is_short(self):
        self.assertLess(len((ROOT / "apps/echo/echo.cc").read_text().splitlines()), 60)

    def test_it_is_short_itself(self):
        self.assertLessEqual(len(README.splitlines()), LINES_MAX)

    def test_links_lead_to_files(self):
        for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]:
            for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
                self.assertTrue((page.parent / target).exists(), f"{page.relative_to(ROOT)} links to {target}")

    def test_tests_that_the_timer_table_names_are_there(self):
        sources = "".join(path.read_text() for path in sorted((ROOT / "tests/segment").glob("*.cc")))
        there = {".".join(name) for name in re.findall(r"TEST_P\((\w+),\s*(\w+)\)", sources)}
        timers = (ROOT / "docs/testing.md").read_text().split("### Timers")[1].split("\n## ")[0]
        named = re.findall(r"`(\w+\.\w+)`", timers)
        self.assertGreater(len(named), 20)
        for name in named:
            self.assertIn(name, there)

    def test_every_flood_of_the_catalogue_has_a_test(self):
        page = (ROOT / "docs/resilience.md").read_text()
        there = tests_of_the_tree()
        for name in re.findall(r"`([A-Z]\w+\.\w+)`", page):
            self.assertIn(name, there)
        modes = re.findall(r'FLOOD_MODE\(\w+, "([\w-]+)", "(F\d+)"', (ROOT / "apps/flood/modes.def").read_text())
        rows = [[cell.strip() for cell in line.strip("|").split("|")]
                for line in page.splitlines() if re.match(r"\| F\d+ \|", line)]
        self.assertEqual([row[0] for row in rows], [f"F{n}" for n in range(1, FLOODS + 1)])
        for number, flood, expected, named, tests, measured in rows:
            self.assertTrue(flood and expected and measured, number)
            if number in MIXTURES:
                self.assertRegex(tests, r"`\w+\.\w+`", number)
                continue
            # Each mode is run by EveryFlood.
            self.assertEqual(re.findall(r"`([\w-]+)`", named), [mode for mode, row in modes if row == number], number)

    def test_scripts_it_names_are_there(self):
        for script in re.findall(r"scripts/\w+", README):
            self.assertTrue((ROOT / script).exists(), script)


if __name__ == "__main__":
    unittest.main()
