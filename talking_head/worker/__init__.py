"""The process that claims work and does it: slots, publishing, transcribing, sweeping."""
