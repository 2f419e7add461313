# Loads the images that arrive as one gzip stream: the images' list comes last in it, so a stream that was cut has none.
# Needs nothing.
docker load --quiet
