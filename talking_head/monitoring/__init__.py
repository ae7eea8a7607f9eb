"""What operators read: metrics, statistics, health, why a job failed and what to do about it."""
