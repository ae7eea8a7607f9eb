"""Private files, probes and metrics over HTTP."""
