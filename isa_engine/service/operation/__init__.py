"""What an operator says to a service, its configuration, and is told by it: log, troubles, webhook."""
