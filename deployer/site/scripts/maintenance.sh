# Whether a visitor of DOMAIN gets the maintenance page, which contains SAID: exit 0 when that is as WANTED (on or off).
# Requests it from the proxy on this host. No answer at all is never as wanted.
answer=$(printf 'GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' "$DOMAIN" |
  timeout 8 openssl s_client -quiet -connect 127.0.0.1:443 -servername "$DOMAIN" 2>/dev/null) || true
printf '%s\n' "${answer%%$'\r'*}"
case $answer in
  HTTP/1.1\ 503*"$SAID"*) [ "$WANTED" = on ] ;;
  HTTP/1.1\ *) [ "$WANTED" = off ] ;;
  *) exit 1 ;;
esac
