# Prints the names of the backends that were started with another DATABASE_URL than the one in ENV_FILE: they would log in
# with an outdated password. It is compared in this shell and is never an argument. Needs NAME.
wanted=$(sed -n 's/^DATABASE_URL=//p' "$ENV_FILE" 2>/dev/null | tail -n 1)
names=$(docker ps --filter "label=com.docker.compose.project=$NAME" --filter label=com.docker.compose.service=backend-api --format '{{.Names}}') || exit 3
for name in $names; do
  started=$(docker inspect --format '{{range .Config.Env}}{{println .}}{{end}}' "$name") || exit 3
  case $'\n'$started$'\n' in *$'\n'"DATABASE_URL=$wanted"$'\n'*) ;; *) echo "$name" ;; esac
done
