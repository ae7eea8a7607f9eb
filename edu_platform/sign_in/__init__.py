"""Signing in: who is refused before a password is even hashed, and for how long."""
