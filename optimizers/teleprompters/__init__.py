"""DSPy's own optimizers, as they are, on the same objective and documents as every other method."""
