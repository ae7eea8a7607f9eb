"""The supervised child process that renders, its protocol, and the supervisor that may kill it."""
