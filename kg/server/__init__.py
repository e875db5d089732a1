"""The server process: application, listener, connection limits, metrics, logs, and the switch to a new release.

`runner.serve` starts it for `kg serve`; `app.app` assembles the application, which tests use without a listener. The
settings of the operator are `request_monitor.OperatorSettings` and `connection_limits.ConnectionLimits`.
"""
