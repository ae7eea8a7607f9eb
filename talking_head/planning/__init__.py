"""Planning of a request: its cost, its forecast, its profile and face, and whether it is admitted."""
