"""Attacks on a cage: a battery that runs inside, a mark that stands outside, and what both agree on."""
