"""One budget per engine, shared by every worker of every host."""
