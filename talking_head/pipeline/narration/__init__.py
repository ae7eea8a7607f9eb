"""A recorded narration, cut into passages and transcribed."""
