"""`/search`: what is looked for (`wish`), how the answer is told (`telling`), the route and its limits (`routes`)."""
