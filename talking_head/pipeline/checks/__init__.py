"""What is good and bad about a picture, a recording or a voice sample, in words."""
