"""Speech engine ``coqui``: voices of the ``TTS`` library (package coqui-tts), in many languages or cloned from samples.

``voice_names`` says what a voice's name means, ``catalogue`` what lies in the checkpoints folder and may be used,
``weights`` whether it is sound, ``library`` brings the library in, ``models`` speaks with it, ``word_times`` finds out
when each word sounds, and ``engine`` puts them together. Only ``library`` and ``models`` import torch and ``TTS``, and
only when somebody speaks: the web process asks the catalogue.
"""
