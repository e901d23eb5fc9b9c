# Watches over one private server. Its input is a pipe whose other end the owner holds: when the owner ends in whatever
# way, the pipe ends too, and this stops the server and removes its directory. "released" tells that the owner did so.
#
# MILLPOND_DIR   the server's directory
# MILLPOND_MARK  a pattern that only the command lines of `postgres` and `initdb` on its data directory match

case $MILLPOND_DIR in /?*/millpond-pg-?*) ;; *) exit 2 ;; esac
case $MILLPOND_MARK in '[-]D/'?*) ;; *) exit 2 ;; esac
trap '' HUP INT QUIT TERM
PATH=$PATH:/usr/bin:/bin

while read -r word; do
    if [ "$word" = released ]; then exit 0; fi
done

# The postmaster, and initdb while it runs. A zombie has no command line, so it is not among them.
heads() {
    if [ -r /proc/self/cmdline ]; then
        grep -sl -e "$MILLPOND_MARK" /proc/[0-9]*/cmdline
    else
        ps -A -ww -o pid= -o command= | grep -e "$MILLPOND_MARK"
    fi | first_number
}

children() {
    if [ -r /proc/self/status ]; then
        grep -sl -e "^PPid:[^0-9]*$1\$" /proc/[0-9]*/status
    else
        ps -A -o pid= -o ppid= | grep -e "[^0-9]$1 *\$"
    fi | first_number
}

first_number() {
    sed 's/^[^0-9]*\([0-9][0-9]*\).*$/\1/'
}

# A frozen server takes the signal once it goes on. A backend that does not end is killed by PostgreSQL after 5 s.
for head in $(heads); do
    kill -QUIT "$head"
    kill -CONT $(children "$head") "$head"
done

looks=0
while [ -n "$(heads)" ] && [ "$looks" -lt 100 ]; do
    looks=$((looks + 1))
    sleep 0.1 || sleep 1
done

for head in $(heads); do
    kill -KILL "$head" $(children "$head")
done

rm -rf "$MILLPOND_DIR" || { sleep 1; rm -rf "$MILLPOND_DIR"; }
