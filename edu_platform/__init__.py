"""The site: settings, addresses, the web process, its people, and what every page shares."""
