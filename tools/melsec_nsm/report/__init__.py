"""What the user gets to see: JSON documents and tables."""
