"""The services of docker-compose.yml."""

PROXY = "nginx"
BACKEND = "backend-api"
DATABASE = "postgres"
