"""What the tests stand on: real servers, the cast of people, and the socket test language."""
