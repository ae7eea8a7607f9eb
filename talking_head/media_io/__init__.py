"""Sound, pictures and video in and out of files: the only modules that touch codecs."""
