#!/usr/bin/python3
"""Compiles every header of lib alone, so that none leans on what its includer happened to include first.

usage: scripts/check_headers.py --stamps DIRECTORY [--compiler "g++ ..."]... -- FLAG...

A header that passed is not compiled again until it, or a header it includes, or the command changes: DIRECTORY
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


def check(compiler, flags, header, stamps):
    """Returns what the compiler says, empty if all is well."""
    name = header.relative_to(ROOT / "lib").as_posix()
    command = compiler.split() + flags + ["-fsyntax-only", "-x", "c++"]
    key = hashlib.sha256(f"{compiler} {name}".encode()).hexdigest()[:16]
    stamp = stamps / f"{key}.stamp"
    depfile = stamps / f"{key}.d"
    if stamp.exists():
        old, *dependencies = stamp.read_text().split("\n")
        if old == fingerprint(command, dependencies):
            return ""
    # Twice: a header must bear being included again.
    source = f'#include "{name}"\n#include "{name}"\n'
    run = subprocess.run(command + ["-MMD", "-MF", str(depfile), "-MT", "header", "-"], input=source, text=True,
                         capture_output=True, check=False)
    if run.returncode != 0:
        return f"{name} does not compile alone with {compiler}:\n{run.stderr}"
    dependencies = depfile.read_text().replace("\\\n", " ").split()[1:]
    dependencies = [d for d in dependencies if d != "-"]
    stamp.write_text("\n".join([fingerprint(command, dependencies), *dependencies]))
    return ""


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stamps", type=pathlib.Path, required=True)
    parser.add_argument("--compiler", action="append", default=[])
    parser.add_argument("flags", nargs="*", metavar="FLAG")
    arguments = parser.parse_args()
    arguments.stamps.mkdir(parents=True, exist_ok=True)
    headers = sorted((ROOT / "lib").rglob("*.h"))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = [pool.submit(check, compiler, arguments.flags, header, arguments.stamps)
                   for compiler in arguments.compiler or ["g++"] for header in headers]
    failures = [text for text in (result.result() for result in results) if text]
    print("\n".join(failures))
    print(f"{len(headers)} headers, {len(results)} compilations, {len(failures)} failures")
    return 1 if failures or not headers else 0


if __name__ == "__main__":
    sys.exit(main())
