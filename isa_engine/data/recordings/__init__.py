"""Recordings: videos of posed people with all that is known of them, and the shards that store them."""
