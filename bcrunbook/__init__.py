"""bcrunbook: sets up Dynamics 365 Business Central for Codat."""

__version__ = "0.1.0"
