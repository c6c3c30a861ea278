#!/bin/sh
# Makes what `docker compose up production` reads, in the folder secrets/, once: a secret for sessions, a password for Redis with the
# rights that docs/redis.md names, and settings to fill in. The key of the Vonage application comes from the dashboard: copy it to
# secrets/vonage_private_key.
set -eu
umask 077
mkdir secrets
cp "$(dirname "$0")/production.env.example" secrets/settings
password=$(openssl rand -hex 32)
hash=$(printf %s "$password" | openssl dgst -sha256 -r | cut -d ' ' -f 1)
openssl rand -base64 32 >secrets/session_secret
echo "redis://bff:$password@production-redis:6379" >secrets/redis_url
# Redis is told the hash alone. Whoever has no password may ask whether it is alive.
cat >secrets/redis_users <<USERS
user default on nopass resetkeys resetchannels -@all +ping
user bff on #$hash resetchannels ~sess:* ~state:* ~code:* ~verify:* ~jti:* ~limit:* ~lock:* ~ping -@all +set +get +getdel +del +expire +eval +evalsha +incr +hset +hmget +hincrby +ttl +info
USERS
# The containers run as users of their own, and the folder lets nobody else in.
chmod 644 secrets/*
