"""What can be done with portraits and voices."""
