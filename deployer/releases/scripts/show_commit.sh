# Prints the commit of the release that serves: that of the backend which the proxy's upstream file in CONF_D names, else
# of the last release that LOG has as deployed or restored. Nothing where there is neither. Needs NAME.
commit=
name=$(sed -n '/^upstream backend /,/^}/s/^ *server \([^:]*\):.*/\1/p' "$CONF_D/$NAME.upstreams" 2>/dev/null | head -n 1)
if [ -n "$name" ]; then
  # A missing container is not an error; a Docker that does not answer is.
  # shellcheck disable=SC2016 # the name in it is the template's
  commit=$(docker ps -a --filter "name=^$name\$" --format '{{.Label "deployer.commit"}}') || exit 3
fi
if [ -z "$commit" ]; then
  commit=$(sed -nE 's/.*"commit": "([0-9a-f]*)".*"result": "(deployed|restored)".*/\1/p' "$LOG" 2>/dev/null | tail -n 1)
fi
if [ -n "$commit" ]; then echo "$commit"; fi
