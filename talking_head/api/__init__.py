"""The HTTP API: jobs, recordings, checks of texts, and the render service's own small API."""
