"""How a lesson becomes a video."""
