#!/usr/bin/python3
"""Compiles every header of lib alone, so that none leans on what its includer happened to include first.

usage: scripts/check_headers.py --stamps DIRECTORY [--compiler "g++ ..."]... [--sources] -- FLAG...

With --sources the .cc files of lib are compiled as well: what the other compiler says of them.
A file that passed is not compiled again until it, or a header it includes, or the command changes: DIRECTORY
keeps one stamp for each, with what it depended on.
"""
import argparse
import concurrent.futures
import hashlib
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def fingerprint(command, files):
    """A digest of the command and of the contents of the files; None if one is gone."""
    digest = hashlib.sha256("\0".join(command).encode())
    for file in files:
        try:
            digest.update(pathlib.Path(file).read_bytes())
        except OSError:
            return None
    return digest.hexdigest()


def check(compiler, flags, file, stamps):
    """Returns what the compiler says, empty if all is well."""
    name = file.relative_to(ROOT / "lib").as_posix()
    command = compiler.split() + flags + ["-fsyntax-only", "-x", "c++"]
    key = hashlib.sha256(f"{compiler} {name}".encode()).hexdigest()[:16]
    stamp = stamps / f"{key}.stamp"
    depfile = stamps / f"{key}.d"
    if stamp.exists():
        old, *dependencies = stamp.read_text().split("\n")
        if old == fingerprint(command, dependencies):
            return ""
    # A header twice: it must bear being included again.
    header = file.suffix == ".h"
    run = subprocess.run(command + ["-MMD", "-MF", str(depfile), "-MT", "out", "-" if header else str(file)],
                         input=f'#include "{name}"\n' * 2 if header else "", text=True, capture_output=True,
                         check=False)
    if run.returncode != 0:
        return f"{name} does not compile alone with {compiler}:\n{run.stderr}"
    dependencies = [word for word in depfile.read_text().replace("\\\n", " ").split()[1:] if word != "-"]
    stamp.write_text("\n".join([fingerprint(command, dependencies), *dependencies]))
    return ""


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stamps", type=pathlib.Path, required=True)
    parser.add_argument("--compiler", action="append", default=[])
    parser.add_argument("--sources", action="store_true")
    parser.add_argument("flags", nargs="*", metavar="FLAG")
    arguments = parser.parse_args()
    arguments.stamps.mkdir(parents=True, exist_ok=True)
    files = sorted((ROOT / "lib").rglob("*.h"))
    if arguments.sources:
        files += sorted((ROOT / "lib").rglob("*.cc"))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = [pool.submit(check, compiler, arguments.flags, file, arguments.stamps)
                   for compiler in arguments.compiler or ["g++"] for file in files]
    failures = [text for text in (result.result() for result in results) if text]
    print("\n".join(failures))
    print(f"{len(files)} files, {len(results)} compilations, {len(failures)} failures")
    return 1 if failures or not files else 0


if __name__ == "__main__":
    sys.exit(main())
