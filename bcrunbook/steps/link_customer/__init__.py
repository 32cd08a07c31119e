"""Step 6: a customer's company and connection, and the installation of App Link, followed."""
