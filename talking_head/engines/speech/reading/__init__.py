"""Conversion of written to spoken text: numbers, signs and abbreviations become words, markup is dropped."""
