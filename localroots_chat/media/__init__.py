"""What people upload: told by its content, and made anew without what it says of them."""
