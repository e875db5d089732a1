"""The build: from the recipe to a release, in parallel processes. `pipeline` is its table of contents."""
