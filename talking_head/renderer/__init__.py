"""The supervised renderer: a warm child process, its protocol, and the supervisor that may kill it."""
