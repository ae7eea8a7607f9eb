"""HTTP answers that are neither API nor admin: private files, probes, metrics."""
