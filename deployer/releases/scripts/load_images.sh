# Loads images from standard input, one gzip stream. Their list comes last in it, so an incomplete stream has none.
docker load --quiet
