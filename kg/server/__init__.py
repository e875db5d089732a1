"""The server process: application, listener, connection limits, metrics, logs, and the switch to a new release."""
