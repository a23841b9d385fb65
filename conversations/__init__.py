"""Conversations, their members, messages and read pointers."""
