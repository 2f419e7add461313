# Prints for the certificate FILE: its issuer (NAME=VALUE lines, indented), its names, and its end (seconds since the epoch).
# Nothing where there is none.
[ -e "$FILE" ] || exit 0
openssl x509 -in "$FILE" -noout -issuer -nameopt sep_multiline,utf8
openssl x509 -in "$FILE" -noout -ext subjectAltName | tr -d ' ' | grep DNS:
date +%s -d "$(openssl x509 -in "$FILE" -noout -enddate | cut -d= -f2)"
