"""What this machine can do: cores, memory, engines, and which of them `auto` means here."""
