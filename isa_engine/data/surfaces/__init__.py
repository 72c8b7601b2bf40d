"""Bodies as samples of their surfaces, and what they wear as colours and thickness of these samples."""
