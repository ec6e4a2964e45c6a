# SPDX-License-Identifier: GPL-2.0-or-later
# Sourced, after lib.sh, by cases about outputs: a rule whose alerts are sent,
# receivers, and certificates for them.
unset NOTIFY_SOCKET
got=$live/got tls=$live/tls
mkdir -p /srv/sent $got $tls

# sent_rule NAME: in $live/sent.yml. make FIRST LAST: an alert each.
sent_rule() {
	own_rule sent 'file where event.action == "creation" and file.path like "/srv/sent/*"' \
		high 73 "$1"
}
make() { for i in $(seq "$1" "$2"); do : >/srv/sent/$i; done; }

# ---- receivers ------------------------------------------------------------

receivers=()
receive() { # NAME KIND ADDRESS [FILE…]: what comes is in $got/NAME
	touch $got/$1
	python3 /tocsin/tests/live/receiver.py "$2" "$3" $got/$1 "${@:4}" \
		2>$got/$1.err &
	receivers+=($!)
	wait_until 10 grep -q ready $got/$1 || not_ok "receiver $1: $(cat $got/$1.err)"
}
# The case says what one has: arrived NAME: ids, each once, in the order of the
# first time.
all_have() { # N NAME…
	local n=$1 o
	shift
	for o in "$@"; do [ "$(arrived $o | wc -l)" -ge "$n" ] || return; done
}
figure() { # OUTPUT COLUMN: as the state database has it
	db "SELECT $2 FROM outputs WHERE name = '$1'"
}

# has_figure OUTPUT COLUMN N: it is at least so. What has arrived is counted a
# moment later.
has_figure() { [ "$(figure "$1" "$2")" -ge "$3" ]; }

# ---- certificates ---------------------------------------------------------

export OPENSSL_CONF=$tls/openssl.cnf
cat >$OPENSSL_CONF <<-END
	[req]
	distinguished_name = dn
	[dn]
	[ca]
	default_ca = any
	[any]
	database = $tls/index
	new_certs_dir = $tls
	default_md = sha256
	policy = names
	rand_serial = yes
	unique_subject = no
	[names]
	commonName = supplied
END
: >$tls/index
always="20000101000000Z 20491231000000Z"
request() { # NAME [OPTION…]
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
		-keyout $tls/$1.key -subj "/CN=$1" "${@:2}" 2>>$tls/log
}
authority() { # NAME
	request $1 -x509 -days 2 -out $tls/$1.pem \
		-addext basicConstraints=critical,CA:TRUE
}
certificate() { # NAME CA FROM TO SUBJECTALTNAME
	request $1 -out $tls/$1.csr
	openssl ca -batch -notext -in $tls/$1.csr -out $tls/$1.pem \
		-cert $tls/$2.pem -keyfile $tls/$2.key -startdate $3 -enddate $4 \
		-extfile <(echo "subjectAltName=$5") 2>>$tls/log
}
