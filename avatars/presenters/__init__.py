"""Portraits that every site has: drawings, so that the first lesson of a new teacher has a face. See README.md."""
