"""What a release is made of: triples and tables."""
