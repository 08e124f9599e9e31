#!/usr/bin/env bash
# Prints the Secrets that the manifests name, with fresh random values. Look at them, keep them in your secret store, and
#
#   k8s/make-secrets.sh --database postgres://OWNER:PASSWORD@HOST:5432/sightline --broker amqps://USER:PASSWORD@HOST:5671/VHOST \
#     | kubectl apply -n sightline -f -
#   k8s/make-secrets.sh --local | kubectl apply -n sightline-local -f -      for overlays/local, with its own two servers
#
# Run it once for a cluster: a second run makes new sealing keys, and what the old ones sealed (channel addresses, webhook secrets)
# cannot be opened without them. To rotate, put a new key in front of the old: SEALING_KEYS=k2:NEW,k1:OLD.
set -euo pipefail

usage() {
  sed -n '2,/^set -/{/^#/s/^# \{0,1\}//p;}' "${BASH_SOURCE[0]}" >&2
  exit 2
}

random_hex() { head -c "$1" /dev/urandom | od -An -v -tx1 | tr -d ' \n'; }

database="" broker="" local_servers=no
while [ $# -gt 0 ]; do
  case $1 in
    --database) database=${2:-} && shift ;;
    --broker) broker=${2:-} && shift ;;
    --local) local_servers=yes ;;
    *) usage ;;
  esac
  shift || usage
done
if [ "$local_servers" = yes ]; then
  postgres_password=$(random_hex 16)
  rabbitmq_password=$(random_hex 16)
  database=postgres://postgres:$postgres_password@sightline-postgres:5432/sightline
  broker=amqp://sightline:$rabbitmq_password@sightline-rabbitmq:5672/sightline
fi
case $database in
  postgres://*@*/?* | postgresql://*@*/?*) ;;
  *) usage ;;
esac
case $broker in
  amqp://*@* | amqps://*@*) ;;
  *) usage ;;
esac

role_password=$(random_hex 16)
internal_secret=$(random_hex 32)
sealing_keys=k1:$(head -c 32 /dev/urandom | base64)

# role_url SERVICE: the owner's address with that service's role.
role_url() { echo "postgres://sightline_$1:$role_password@${database##*@}"; }

# secret NAME KEY VALUE [KEY VALUE...]
secret() {
  printf -- '---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: sightline-%s\n  labels:\n    app.kubernetes.io/part-of: sightline\nstringData:\n' "$1"
  shift
  while [ $# -gt 0 ]; do
    printf "  %s: '%s'\n" "$1" "$(printf '%s' "$2" | sed "s/'/''/g")"
    shift 2
  done
}

secret migrate DATABASE_URL "$database" SERVICE_ROLE_PASSWORD "$role_password"
secret query DATABASE_URL "$(role_url query)" INTERNAL_SECRET "$internal_secret"
secret ingest DATABASE_URL "$(role_url ingest)" COMPACTOR_DATABASE_URL "$(role_url compactor)" INTERNAL_SECRET "$internal_secret" AMQP_URL "$broker"
secret identity DATABASE_URL "$(role_url identity)" INTERNAL_SECRET "$internal_secret" SEALING_KEYS "$sealing_keys"
secret alerting DATABASE_URL "$(role_url alerting)" INTERNAL_SECRET "$internal_secret" AMQP_URL "$broker" SEALING_KEYS "$sealing_keys"
secret webhook DATABASE_URL "$(role_url webhook)" INTERNAL_SECRET "$internal_secret" AMQP_URL "$broker" SEALING_KEYS "$sealing_keys"
secret cleanup INTERNAL_SECRET "$internal_secret"
if [ "$local_servers" = yes ]; then
  secret postgres POSTGRES_PASSWORD "$postgres_password"
  secret rabbitmq RABBITMQ_DEFAULT_PASS "$rabbitmq_password"
fi
