"""The notebooks: their parameters, a batch of them, and what stands in one. May enter both wings."""
