#!/bin/sh
# Runs a command as a user, in the environment of a session with a bus:
#
#     login.sh USER COMMAND…
user=$1
shift
home=$(getent passwd "$user" | cut -d : -f 6)
chown "$user" "$home"
XDG_RUNTIME_DIR=/run/user/$(id -u "$user")
install -d -m 0700 -o "$user" "$XDG_RUNTIME_DIR"
exec setpriv --reuid="$user" --regid="$user" --init-groups env -i USER="$user" HOME="$home" \
	XDG_RUNTIME_DIR="$XDG_RUNTIME_DIR" LANG=C.UTF-8 PATH=/usr/local/bin:/usr/bin:/bin dbus-run-session -- "$@"
