# Passes standard input on with every secret of the .env file $1 replaced: on the host, before anything is sent.
# A secret is any value whose name says so; the values go to sed through a pipe, never into an argument.
mask() {
  sed -u -f <(sed -nE "s/^[A-Z0-9_]*(SECRET|PASSWORD|TOKEN|KEY|DATABASE_URL)[A-Z0-9_]*=['\"]?([^'\"]{8,})['\"]?\$/\2/p" "$1" 2>/dev/null |
    sed -e 's/[]\/$*.^[]/\\&/g' -e 's/.*/s\/&\/[secret]\/g/')
}
