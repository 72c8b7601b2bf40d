"""One table a module: what ``isa-engine evaluate`` prints."""
