"""A small marketplace to look at: who lives there (people), what they said (directs, communities) and go on saying
(scenes), how it gets into the database (marketplace) and comes alive (live). For development; only the command
`demo` uses it."""
