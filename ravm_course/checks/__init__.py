"""Check the reader's answers to the exercises, one module a chapter."""
