"""HTTP in, the service's events out. The only place that knows fastapi; routes are thin."""
