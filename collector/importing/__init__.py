"""`gasoline import`: what is on disk already, taken in as if it came from the network."""
