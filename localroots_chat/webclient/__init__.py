"""The built-in web client: two pages and the ES modules that run in them, served as they are written."""
