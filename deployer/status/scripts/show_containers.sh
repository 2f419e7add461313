# Shows each container of the project NAME as one line: service, name, state, health, image, start (seconds since the
# epoch), published ports and restarts, separated by |. Nothing where there is none.
# Docker calls a container unhealthy that was paused a moment ago, until its next check: with no failed check it is not.
# shellcheck disable=SC2016 # the names in it are the template's
shape='{{index .Config.Labels "com.docker.compose.service"}}|{{.Name}}|{{.State.Status}}'
shape+='|{{with .State.Health}}{{if and (eq .Status "unhealthy") (eq .FailingStreak 0)}}healthy{{else}}{{.Status}}{{end}}{{end}}|{{.Config.Image}}|{{.State.StartedAt}}|'
# shellcheck disable=SC2016
shape+='{{range $port, $bound := .NetworkSettings.Ports}}{{range $bound}}{{.HostIP}}:{{.HostPort}}->{{$port}} {{end}}{{end}}|{{.RestartCount}}'
# shellcheck disable=SC2153 # a parameter
ids=$(docker ps -aq --filter "label=com.docker.compose.project=$NAME") || exit 3
if [ -z "$ids" ]; then exit 0; fi
# shellcheck disable=SC2086 # one word for each container
docker inspect --format "$shape" $ids | while IFS='|' read -r service name state health image started rest; do
  echo "$service|$name|$state|$health|$image|$(date +%s -d "$started")|$rest"
done
