"""The options that several commands share: which engine, what of an earlier take, how a shot is generated."""
