"""Which files never change under their name: the proxy lets browsers keep them, a release keeps them for visitors."""

HASHED = (
    r"[.-]((?=[0-9]*[a-f])(?=[a-f]*[0-9])[0-9a-f]{8,}|(?=[A-Za-z_-]*[0-9])(?=[a-z0-9_-]*[A-Z])[A-Za-z0-9_-]{8})"
    r"(\.[a-z]+)?\.(js|mjs|css|wasm|png|jpe?g|gif|webp|avif|ico|svg|woff2?|ttf|otf|mp4|webm|mp3)$"
)
"""The end of a file name that contains a hash of the content (F28): hexadecimal (webpack), or eight letters of base64
with a capital and a digit (Vite), so that neither `-carousel.js` nor `-20250101.css` matches. A missed hash costs a
revalidation; a false match would be cached for a year."""
