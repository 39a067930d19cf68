"""What was found as an HTML report: its parts, one a file, which `reporters.html` puts together."""
