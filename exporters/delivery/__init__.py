"""What exporters share that deliver elsewhere: durable writes in groups, a queue on disk, retries."""
