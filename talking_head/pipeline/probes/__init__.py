"""Probes of this machine: cores, memory, engines, and which of them `auto` resolves to here."""
