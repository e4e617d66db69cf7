"""What is made of verdicts: comparison with what is expected, the state of the sensors."""
