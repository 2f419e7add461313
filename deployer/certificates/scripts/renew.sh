# Renews the certificate when it is due (or with `--force`), and installs it: run by cron and by `deployer renew`. Exit 0
# also when it was not due. Needs NAME, ROOT, NGINX, DOMAIN, NAMES, MODE, SERVER, EMAIL, CA; certificate.sh before it.
STATE=$ROOT/.deployer
if [ "$MODE" = letsencrypt ] && [ -n "$CA" ]; then export REQUESTS_CA_BUNDLE=$CA; fi

# Explains certbot's failure, after its own last lines.
explain() {
  local names
  names=$(sed -n 's/^ *Domain: *//p' <<<"$1" | sort -u | paste -sd ' ')
  names=${names:-${NAMES//,/ }}
  case $1 in
    *rateLimited*|*"too many"*) echo "the CA refuses for now: its rate limit is reached (https://letsencrypt.org/docs/rate-limits/); wait, the certificate in place is kept" ;;
    *NXDOMAIN*|*"DNS problem"*|*"could not resolve"*|*"no valid A"*|*"No valid IP"*) echo "a name does not resolve for the CA: check the A records of $names" ;;
    *error:connection*|*"Type:   connection"*) echo "the CA cannot reach port 80 under $names: check the firewall in front of this host and the A records" ;;
    *"Connection refused"*|*"Max retries"*|*"timed out"*|*"Name or service"*|*"Failed to resolve"*) echo "the CA at $SERVER cannot be reached from this host; the certificate in place is kept" ;;
    *unauthorized*|*"Invalid response"*) echo "the CA reached another server, or not this proxy, at /.well-known/acme-challenge/ under $names" ;;
  esac
}

# Repeats a bounded number of times: certbot gives up after two bad nonces in a row, where RFC 8555 (6.5) asks to repeat.
ask_ca() {
  local output code=1 try
  for try in 1 2 3 4 5; do
    output=$(certbot "$@" --non-interactive --server "$SERVER" 2>&1); code=$?
    if [ "$code" = 0 ]; then break; fi
    case $output in *badNonce*|*"anti-replay nonce"*|*"invalid nonce"*) echo "bad nonce, trying again ($try)" ;; *) break ;; esac
  done
  if [ "$code" != 0 ]; then printf '%s\n' "$output" | tail -n 15; explain "$output"; fi
  return "$code"
}

certbot_names() { local name; for name in ${NAMES//,/ }; do printf -- '-d\n%s\n' "$name"; done; }

obtain() {
  local arguments
  mapfile -t arguments < <(certbot_names)
  ask_ca certonly --webroot -w "$STATE/acme" --cert-name "$DOMAIN" "${arguments[@]}" --email "$EMAIL" --agree-tos \
    --keep-until-expiring --expand "$@"
}

install_live() {
  local live=/etc/letsencrypt/live/$DOMAIN
  if cmp -s "$live/fullchain.pem" "$SSL/fullchain.pem" && cmp -s "$live/privkey.pem" "$SSL/privkey.pem"; then
    echo "the certificate in place is kept, until $(date -u +%F -d "$(openssl x509 -in "$SSL/fullchain.pem" -noout -enddate | cut -d= -f2)")"
    return
  fi
  install_certificate "$live/fullchain.pem" "$live/privkey.pem" && echo "the new certificate is served"
}

renew_self_signed() {
  if [ "$1" != --force ] && openssl x509 -in "$STATE/tls/fullchain.pem" -noout -checkend $((30 * 86400)) >/dev/null; then return; fi
  make_self_signed "$STATE/tls" "DNS:${NAMES//,/,DNS:}" && install_certificate "$STATE/tls/fullchain.pem" "$STATE/tls/privkey.pem"
}

renew() {
  case $MODE in
    letsencrypt)
      if [ "$1" = --force ]; then obtain --force-renewal; else obtain; fi && install_live ;;
    self-signed) renew_self_signed "$1" ;;
    *) echo "tls.mode is \"provided\", so this tool does not renew the certificate. Point tls.certificate at the new file, then run deployer provision." ;;
  esac
}
