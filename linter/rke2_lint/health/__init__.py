"""How nodes are: what a diagnosis comes to, as text, JSON, JUnit and HTML. Both live doors tell it here."""
