"""Programs that the artist waits for beside a take: people with alpha, people of a video."""
