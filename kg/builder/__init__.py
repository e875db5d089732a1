"""The build: from the recipe to a release, in parallel processes.

`pipeline` has the entry points (`build`, `draft`, `read`, `mint`, `validate_release`) and shows the order of the stages.
Besides these, the command line uses `recipe_checker`, `fingerprint.is_current`, `progress.format_summary` and
`spark_engine.spark_reader`.
"""
