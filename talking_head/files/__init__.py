"""Where the bytes of portraits, recordings, clips and results lie: on disk, or in a bucket."""
