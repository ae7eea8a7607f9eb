"""Speech, face and enhancer engines behind three protocols; without Django."""
