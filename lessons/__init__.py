"""What is taught: courses, lessons, who takes them and how far they got."""
