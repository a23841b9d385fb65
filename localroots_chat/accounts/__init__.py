"""Who you are: people, tokens, tickets, signing out."""
