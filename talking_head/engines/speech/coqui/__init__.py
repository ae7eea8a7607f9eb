"""Speech engine ``coqui``: voices of the ``TTS`` library (package coqui-tts), in many languages or cloned from samples.

``voice_names`` parses voice names, ``catalogue`` lists the installed models that may be used, ``weights`` checks that
they are intact, ``library`` imports the library, ``models`` speaks with it, ``word_times`` finds when words are spoken,
and ``engine`` combines them. Only ``library`` and ``models`` import torch and ``TTS``, and only when a voice speaks:
the web process uses only the catalogue.
"""
