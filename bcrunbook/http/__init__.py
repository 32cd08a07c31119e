"""The only door to the network: one client, with its proxy, certificates, retries and bounds."""
