"""Communities: groups that own a conversation each."""
