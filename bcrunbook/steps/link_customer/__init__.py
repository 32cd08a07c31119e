"""A customer's company and connection, and the installation of App Link, followed.

step            what is planned and done
findings        what a look shows
codat_customer  the customer in Codat: company, connection, link, tag
installation    App Link in the customer's Business Central, followed
"""
