"""The build: from the recipe to a release, in parallel processes.

`pipeline` has the entry points (`build`, `draft`, `read`, `mint`, `validate_release`) and the order of the stages.
The command line also uses `recipe_checker`, `fingerprint.is_current`, `progress.format_summary` and
`spark_engine.spark_reader`.
"""
