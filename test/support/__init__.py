"""What the Python test runners and benchmarks share."""
