# shellcheck shell=bash
# To be sourced: the least that a health check needs of HTTP, without a program of its own.

http_status() { # HOST PORT PATH: print the status code of the answer, e.g. 200
    local status
    exec 3<>"/dev/tcp/$1/$2" || return 1
    printf 'GET %s HTTP/1.0\r\nHost: %s:%s\r\n\r\n' "$3" "$1" "$2" >&3
    read -r -t 4 _ status _ <&3 || return 1
    exec 3>&-
    printf '%s\n' "$status"
}
