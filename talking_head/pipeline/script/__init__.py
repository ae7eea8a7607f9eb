"""A teacher's script, read: blocks, sentences, language, utterances."""
