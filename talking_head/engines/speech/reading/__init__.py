"""How written text is read aloud: numbers, signs and abbreviations in words, markup unheard."""
