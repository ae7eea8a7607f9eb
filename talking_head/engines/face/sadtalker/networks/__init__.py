"""The networks as published, layer by layer, and how the official files fill them."""
