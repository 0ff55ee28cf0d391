"""Marks a test to run on every carrier instead of the TAP alone."""
import pytest

on_every_carrier = pytest.mark.parametrize("carrier", ["tap", "af_packet", "af_xdp"], indirect=True)
