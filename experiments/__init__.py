"""What a user runs: configuration, documents, runs, tracking and reports."""
