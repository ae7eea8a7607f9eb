"""The process that claims work and does it: worker, slots, sweeper, publishing, transcribing."""
