"""The face in the photo: where it is, how it is cut out and aligned, how the drawn square is pasted back."""
