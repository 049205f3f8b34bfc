"""The checks of verify-setup.

`check` is what a check is and how all of them run at once; `local`, `database`, `services`
hold the checks; `suite` puts them together from the settings.
"""
