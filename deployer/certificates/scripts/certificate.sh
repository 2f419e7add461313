# Functions for certificates. Needs NAME, NGINX, DOMAIN (the certificate's first name) and proxy.sh.
SSL=$NGINX/ssl

public_key() { openssl x509 -in "$1" -noout -pubkey 2>/dev/null; }
fingerprint() { openssl x509 -noout -fingerprint -sha256; }

# Prints the fingerprint of the certificate that the proxy serves.
served() { openssl s_client -connect 127.0.0.1:443 -servername "$DOMAIN" </dev/null 2>/dev/null | fingerprint 2>/dev/null; }
serves() { [ "$(served)" = "$(fingerprint <"$SSL/fullchain.pem")" ]; }

swap_in() {
  install -m 600 "$2" "$SSL/privkey.pem.new" && install -m 644 "$1" "$SSL/fullchain.pem.new" &&
    sync "$SSL/privkey.pem.new" "$SSL/fullchain.pem.new" &&
    mv -f "$SSL/privkey.pem.new" "$SSL/privkey.pem" && mv -f "$SSL/fullchain.pem.new" "$SSL/fullchain.pem" && return
  rm -f "$SSL/privkey.pem.new" "$SSL/fullchain.pem.new"
  return 1
}

# Installs certificate $1 and key $2 for the proxy, reloads it, and checks that it serves them. On any failure the previous
# pair is put back.
install_certificate() {
  local previous
  [ "$(public_key "$1")" = "$(openssl pkey -in "$2" -pubout 2>/dev/null)" ] || { echo "the key does not belong to the certificate"; return 1; }
  previous=$(mktemp -d)
  cp -a "$SSL/." "$previous/"
  if swap_in "$1" "$2" && reload_proxy && { [ -z "$(proxy)" ] || await 15 serves; }; then rm -rf "$previous"; return; fi
  echo "the new certificate is not served; putting the previous one back"
  if [ -e "$previous/fullchain.pem" ]; then swap_in "$previous/fullchain.pem" "$previous/privkey.pem" && reload_proxy; fi
  rm -rf "$previous"
  return 1
}

# Makes a self-signed pair for the names $2 ("DNS:a,DNS:b") in the directory $1, for the guide's 365 days.
make_self_signed() {
  openssl req -x509 -newkey rsa:2048 -sha256 -nodes -days 365 -subj "/O=deployer/CN=$DOMAIN" \
    -addext "subjectAltName=$2" -keyout "$1/privkey.new" -out "$1/fullchain.new" 2>/dev/null &&
    mv -f "$1/privkey.new" "$1/privkey.pem" && mv -f "$1/fullchain.new" "$1/fullchain.pem"
}
