"""Well-known architectures with random weights, spelled as exporters do."""
