"""The face in the photo: landmarks, crop, alignment, and pasting the drawn square back."""
