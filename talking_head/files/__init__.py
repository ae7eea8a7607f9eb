"""Where the bytes of portraits, recordings, clips and results lie: on this disk, or in the bucket behind it."""
