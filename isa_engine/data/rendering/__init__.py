"""The fast renderer: surfaces splatted before a set, in its light and with its shadows."""
