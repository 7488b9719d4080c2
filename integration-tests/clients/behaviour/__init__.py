"""Asks a broker the same questions, right and wrong ones, and prints its answers so that they can be compared."""
