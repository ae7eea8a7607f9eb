"""The pages of portraits and voices."""
