"""`/search`: parsed parameters, presenter, route and its limits."""
