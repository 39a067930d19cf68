"""Reports as one HTML page: the frame, the tables and the filters that they share."""
