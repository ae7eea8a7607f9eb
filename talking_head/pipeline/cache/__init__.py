"""Content-addressed takes and clips on this machine's disk."""
