"""The networks as published, layer by layer, and the loading of the official weight files."""
