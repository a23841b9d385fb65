"""Who is here and who is typing; keeps no tables."""
