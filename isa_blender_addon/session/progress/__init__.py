"""How far each take is, when it will be there, and that it is."""
