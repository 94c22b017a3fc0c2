"""The fuzzer: the sample's database changed in ways from a catalogue, taken through the whole life cycle, and judged by an oracle.

Two outcomes are lawful. Either the migration is refused or blocked in words, and the remedy that they give works. Or it completes, and a
superuser who reads no table of ours finds every law kept. Anything else is printed with the change that is enough to reproduce it.
"""
