"""English: the classes of expressions and their words, one module and one table a class."""
