"""Domain rules that correct what was read, and never invent."""
