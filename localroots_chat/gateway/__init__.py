"""The edge of the sockets: knows frames, topics and people, never a message."""
