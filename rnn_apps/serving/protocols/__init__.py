"""The protocols that clients speak, a module each, and what the OpenAPI document says of them."""
