"""Step 2: the client secret, made, stored, proven, handed over, and never shown."""
