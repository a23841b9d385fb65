"""The project: settings, composition (asgi, urls, sockets), accounts, gateway and web client."""
