"""The private PostgreSQL and Valkey of the default environment.

`serving` is the door of this room: it starts or joins the servers and fills the settings in.
`joined` starts nothing.
"""

from registre_cli.embedded.serving import joined, serving

__all__ = ["joined", "serving"]
