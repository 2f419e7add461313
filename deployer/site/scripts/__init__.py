"""What runs on the host for the site's containers and its proxy."""
