#!/bin/sh
# Creates the folder secrets/ for `docker compose up production`: a session secret, a Redis user
# with the rights listed in docs/redis.md, and the settings to fill in. Copy the private key of the
# Vonage application to secrets/vonage_private_key.
set -eu
umask 077
if [ -e secrets ]; then
  echo 'secrets/ exists already: move it away first.' >&2
  exit 1
fi
# Files appear in secrets/ only if every step succeeds.
new=$(mktemp -d secrets.XXXXXX)
trap 'rm -rf "$new"' EXIT
cp "$(dirname "$0")/production.env.example" "$new/settings"
password=$(openssl rand -hex 32)
# In a pipe, only a failure of the last program ends the script.
digest=$(printf %s "$password" | openssl dgst -sha256 -r)
openssl rand -base64 32 >"$new/session_secret"
echo "redis://bff:$password@production-redis:6379" >"$new/redis_url"
# Redis gets only the hash of the password. Users without a password may only send PING.
cat >"$new/redis_users" <<USERS
user default on nopass resetkeys resetchannels -@all +ping
user bff on #${digest%% *} resetchannels ~sess:* ~state:* ~code:* ~verify:* ~jti:* ~user:* ~limit:* ~lock:* ~ping -@all +set +get +getdel +del +expire +eval +evalsha +incr +hset +hgetall +hdel +hmget +hincrby +ttl +info
USERS
# The containers run as other users. The folder itself is closed to other users of the host.
chmod 644 "$new"/*
mv "$new" secrets
