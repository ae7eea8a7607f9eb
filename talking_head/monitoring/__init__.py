"""What operators read: metrics, statistics, health, and why a job failed."""
