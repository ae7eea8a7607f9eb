"""The parser of a teacher's script: blocks, sentences, language, utterances."""
