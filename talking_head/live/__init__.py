"""Live progress for browsers: snapshots, events, and the channel layers that carry them."""
