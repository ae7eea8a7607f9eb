"""What a job is and who may change it: states, queue, claims, leases, transcription."""
