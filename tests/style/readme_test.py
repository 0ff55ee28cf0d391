#!/usr/bin/python3
"""Holds README.md to what it promises: its echo server is the file that is built, its links lead somewhere."""
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
LINES_MAX = 150


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

    def test_scripts_it_names_are_there(self):
        for script in re.findall(r"scripts/\w+", README):
            self.assertTrue((ROOT / script).exists(), script)


if __name__ == "__main__":
    unittest.main()
