"""Progress on its way to browsers: snapshots, events, and the channel layers that carry them."""
