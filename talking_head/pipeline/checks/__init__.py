"""Quality checks of pictures, recordings and voice samples, with problems and hints for teachers."""
