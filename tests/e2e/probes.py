"""The list of probes that the differential test runs; the modules below fill it."""
import dataclasses
import typing


@dataclasses.dataclass(frozen=True)
class Probe:
    name: str
    script: typing.Callable
    port: int
    versions: tuple
    # The peer has one for this script: what the server learns about it must not touch the others.
    own_address: bool


PROBES = []


def probe(port=7, versions=(4, 6), cases=((),), own_address=False):
    """Adds a script, once per case; a case is a tuple of arguments, the first of which is its name."""
    def add(script):
        name = script.__name__.replace("_", " ")
        for case in cases:
            full_name = f"{name}: {case[0]}" if case else name
            assert all(each.name != full_name for each in PROBES), full_name
            PROBES.append(Probe(full_name, lambda talk, case=case: script(talk, *case[1:]), port, versions,
                                own_address))
        return script
    return add
