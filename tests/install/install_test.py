#!/usr/bin/python3
"""Installs the build into a directory of its own and uses the library from there as a stranger would.

usage: install_test.py BUILD_DIRECTORY COMPILER...

A ten-line program outside the tree is built with nothing but `pkg-config --cflags --libs weir`, against the shared
library and against the archive, and run.
"""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

BUILD, *COMPILER = sys.argv[1:]
PROGRAM = pathlib.Path(__file__).with_name("echo.cc")


def run(*command, **options):
    """Runs a command and returns its output; on failure the exception shows what it said."""
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **options)
    if result.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}: {result.returncode}\n{result.stdout}{result.stderr}")
    return result.stdout


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        root = pathlib.Path(cls.temporary.name)
        run("meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", root / "stage")
        # The prefix is the build's own; what is installed must not care where it ends up.
        (description,) = (root / "stage").rglob("weir.pc")
        cls.library_directory = description.parent.parent
        cls.prefix = next(p.parent for p in (root / "stage").rglob("bin") if p.is_dir())
        cls.outside = root / "outside"
        cls.outside.mkdir()
        (cls.outside / "echo.cc").write_text(PROGRAM.read_text())
        cls.environment = dict(os.environ, PKG_CONFIG_PATH=str(description.parent),
                               LD_LIBRARY_PATH=str(cls.library_directory))

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def pkg_config(self, *arguments):
        return run("pkg-config", *arguments, "weir", env=self.environment).split()

    def build(self, name, link, source="echo.cc"):
        run(*COMPILER, "-std=c++20", "-Wall", "-Werror", source, "-o", name,
            *self.pkg_config("--cflags"), *link, cwd=self.outside)
        return self.outside / name

    def check_runs(self, program):
        """It starts, and validates and prints a configuration without touching a port."""
        configuration = self.prefix / "share/weir/weir.toml"
        printed = run(program, "--config", configuration, "--check", env=self.environment)
        self.assertIn("[tcp]", printed)

    def test_headers_are_installed_and_no_others(self):
        installed = {p.relative_to(self.prefix / "include").as_posix() for p in (self.prefix / "include").rglob("*.h")}
        source = PROGRAM.parents[2] / "lib/weir"
        self.assertEqual({f"weir/{p.name}" for p in source.glob("*.h")}, installed)

    def test_compiler_flags_impose_nothing_of_dpdk(self):
        flags = self.pkg_config("--cflags")
        self.assertIn((self.prefix / "include").resolve(), [pathlib.Path(flag[2:]).resolve() for flag in flags])
        self.assertEqual([], [flag for flag in flags if flag.startswith(("-m", "-include")) or "dpdk" in flag])

    def test_a_program_builds_and_runs_against_the_shared_library(self):
        self.check_runs(self.build("echo-shared", self.pkg_config("--libs")))

    def test_a_program_builds_and_runs_against_the_archive(self):
        link = ["-l:libweir.a" if flag == "-lweir" else flag for flag in self.pkg_config("--libs", "--static")]
        self.check_runs(self.build("echo-static", link))

    def test_the_program_of_the_readme_builds_with_its_flags(self):
        (self.outside / "readme.cc").write_text((PROGRAM.parents[2] / "apps/echo/echo.cc").read_text())
        self.check_runs(self.build("readme", self.pkg_config("--libs", "absl_flags"), "readme.cc"))

    def test_programs_start_where_they_are_installed(self):
        programs = sorted((self.prefix / "bin").iterdir())
        self.assertNotEqual([], programs)
        for program in programs:
            with self.subTest(program=program.name):
                if program.name == "weir-flood":  # a client: it has flags and no configuration file
                    self.assertIn("--rate", run(program, "--help", env=self.environment))
                else:
                    self.check_runs(program)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
