"""Cleat from Python's standard library alone: the bus's wire protocol, Avro, and the rules of a plugin, written small."""
