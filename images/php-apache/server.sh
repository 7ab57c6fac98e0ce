# shellcheck shell=sh
# To be sourced by the entrypoint: how Apache starts, and how it stops.

start_server() { # sets `server`, the process to wait for
    mkdir -p /tmp/apache2
    # In Apache's language: whether a request comes from elsewhere than TRUSTED_PROXIES.
    case ${TRUSTED_PROXIES:-all} in
    all) STRANGER=false ;;
    none) STRANGER=true ;;
    *)
        STRANGER=true
        for network in $TRUSTED_PROXIES; do
            # shellcheck disable=SC2089  # quotes for Apache
            STRANGER="$STRANGER && ! -R '$network'"
        done
        ;;
    esac
    # shellcheck disable=SC2090
    export STRANGER
    apache2 -D FOREGROUND -f /etc/apache2/studip.conf &
    # shellcheck disable=SC2034  # read by the entrypoint
    server=$!
}

stop_server() { # after the requests under way
    kill -WINCH "$server"
}
