"""What a request will cost, when it will be done, and whether it is admitted."""
