"""Clips: pieces of video with bodies and cameras, rendered or read from shards; one seed, one clip."""
