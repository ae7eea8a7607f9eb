"""The web server: Daphne with limits on bodies, headers, waiting and connections. Run it with ``python -m``."""
