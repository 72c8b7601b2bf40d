"""The durable queue: its database, who works on which job, what people ask of jobs, how they ended."""
