"""The HTTP API, from who may speak to what is answered; the page for a browser is its client."""
