"""What every room stands on: settings, errors, logs, text safety. Imports nothing of ours."""
