# shellcheck shell=bash
# To be sourced: how the members of a cache and their sentinels are asked. `$password` is quoted.

MASTER=cache # what the sentinels call whoever is written to
PORT=6379
SENTINEL_PORT=26379

read_password() { # sets $password, escaped for the configuration and for redis-cli
    local file=${REDIS_PASSWORD_FILE-}
    [ -n "$file" ] || fail "REDIS_PASSWORD_FILE is not set"
    [ -r "$file" ] || fail "REDIS_PASSWORD_FILE: $file cannot be read by uid $(id -u)"
    password=$(<"$file")
    [ -n "$password" ] || fail "REDIS_PASSWORD_FILE: $file is empty"
    [[ $password =~ ^[[:graph:]]+$ ]] || fail "REDIS_PASSWORD_FILE: $file must be one word"
    password=${password//\\/\\\\}
    password=${password//\"/\\\"}
}

ask() { # HOST PORT COMMAND: print the answer, nothing if there is none
    printf 'AUTH "%s"\n%s\n' "$password" "$3" |
        timeout 2 redis-cli -h "$1" -p "$2" 2>/dev/null |
        { read -r accepted && [ "$accepted" = OK ] && tr -d '\r'; } || true
}

known_master() { # print the member that most sentinels call the master
    local sentinel
    for sentinel in $SENTINELS; do
        ask "$sentinel" $SENTINEL_PORT "SENTINEL GET-MASTER-ADDR-BY-NAME $MASTER" | head -n 1 &
    done | sort | uniq -c | sort -rn | awk 'NF == 2 { print $2; exit }'
}

roles() { # print each member that answers: its replicas, its name, its role
    local member
    for member in $MEMBERS; do
        ask "$member" $PORT "INFO replication" | awk -F : -v "name=$member" '
            $1 == "role" { role = $2 }
            $1 == "connected_slaves" { replicas = $2 }
            END { if (role) print replicas, name, role }' &
    done | cat
}

claimed_master() { # [LEAST]: print the member that calls itself the master and has LEAST replicas
    roles | sort -rn | awk -v "least=${1-0}" '$3 == "master" && $1 >= least { print $2; exit }'
}

half() { # print how many replicas make a majority together with their master
    echo $(($(wc -w <<<"$MEMBERS") / 2))
}
