"""What the artist reads: texts looked up in her language, and sentences as long as they are true."""
