# shellcheck shell=sh
# To be sourced by the entrypoint: how nginx and PHP-FPM start, and how they stop.

start_server() { # sets `server`, the process to wait for
    case $FRONT_CONTROLLER in
    disabled) missing='=404' ;;
    *) missing=$FRONT_CONTROLLER ;;
    esac
    others=0 trusted=
    case ${TRUSTED_PROXIES:-all} in
    all) others=1 ;;
    none) ;;
    *)
        for network in $TRUSTED_PROXIES; do
            trusted="$trusted$network 1; "
        done
        ;;
    esac
    mkdir -p /tmp/web
    # nginx reads no environment.
    sed -e "s#@MISSING@#$missing#" -e "s#@OTHERS@#$others#" -e "s#@TRUSTED@#$trusted#" \
        /usr/local/share/studip/fpm/nginx.conf >/tmp/web/nginx.conf
    nginx -c /tmp/web/nginx.conf &
    # shellcheck disable=SC2034  # read by the entrypoint
    server=$!
    # One is of no use without the other.
    {
        php-fpm --nodaemonize --fpm-config /usr/local/share/studip/fpm/php-fpm.conf || true
        kill -QUIT "$server"
    } &
}

stop_server() { # after the requests under way
    kill -QUIT "$server"
}
