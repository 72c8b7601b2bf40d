"""Makes the bundled data of this package, once, of its sources; nothing imports it."""
